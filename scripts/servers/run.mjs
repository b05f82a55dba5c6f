import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Why a server could not be installed: one line. */
export class InstallError extends Error {}

/** Where a program is on the machine, or undefined. */
export function findProgram(name) {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** Refuses to go on without the programs that a step runs. */
export function needPrograms(...names) {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) throw new InstallError(`${missing.join(' and ')} not found on this machine`);
}

/**
 * Runs a program to its end; resolves with what it printed.
 *
 * @throws InstallError with the last thing that the program said
 */
export function run(program, args, { cwd, env, timeoutMs = 300_000 } = {}) {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: 64 << 20 };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(`${stdout}${stderr}`);
      const ended = error.killed ? `did not end within ${timeoutMs / 1000} s` : `ended with ${error.code}`;
      reject(new InstallError(`${program} ${args[0]} ${ended}: ${lastWords(`${stdout}\n${stderr}`)}`));
    });
  });
}

/** The line that says what is wrong: the first that is marked as an error, else the last. */
function lastWords(output) {
  const lines = output.split('\n').flatMap((line) => line.trim() || []);
  return lines.find((line) => /^(E:|\[ERROR\]|error:) *\S/i.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}
