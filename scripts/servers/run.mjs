import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Refuses to go on without the programs that a step runs. */
export function needPrograms(...names) {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const missing = names.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length > 0) throw new Error(`${missing.join(' and ')} not found on this machine`);
}

/**
 * Runs a program to its end; resolves with what it printed.
 *
 * @throws Error of one line, with what the program said of its failure
 */
export function run(program, args, { cwd, env, timeoutMs = 300_000 } = {}) {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: 64 << 20 };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(`${stdout}${stderr}`);
      const ended = error.killed ? `did not end within ${timeoutMs / 1000} s` : `ended with ${error.code}`;
      reject(new Error(`${program} ${args[0]} ${ended}: ${lastWords(`${stdout}\n${stderr}`)}`));
    });
  });
}

/** The line that says what is wrong: the first that is marked as an error, else the last. */
function lastWords(output) {
  const lines = stripVTControlCharacters(output)
    .split('\n')
    .flatMap((line) => line.trim() || []);
  return lines.find((line) => /^(E:|\[ERROR\]|error:) *\S/i.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}
