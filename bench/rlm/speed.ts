import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { cli } from '../project.js';
import { background } from './session.js';

export interface SpeedRun {
  readonly tokens: number;
  readonly megabytes: number;
  /** Of the whole command, from its start to its end: reading, parsing, analysing, printing. */
  readonly seconds: number;
  /** Processor time of it, user and system. */
  readonly cpuSeconds: number;
  readonly peakResidentMiB: number;
  readonly verdict: string;
}

/** `fulcrum-trust analyze FILE --json` on one transcript of so many tokens, in a process of its own. */
export async function analyzeCommandRun(tokens: number, seed: number): Promise<SpeedRun> {
  const folder = mkdtempSync(join(tmpdir(), 'fulcrum-rlm-'));
  try {
    const file = join(folder, 'session.jsonl');
    await pipeline(Readable.from(lines(tokens, seed)), createWriteStream(file));
    const started = performance.now();
    const { output, usage } = await runMeasured(['analyze', file, '--json', '--token-budget', '20000000']);
    return {
      tokens,
      megabytes: statSync(file).size / 1e6,
      seconds: (performance.now() - started) / 1_000,
      cpuSeconds: (usage.userCPUTime + usage.systemCPUTime) / 1e6,
      peakResidentMiB: usage.maxRSS / 1_024,
      verdict: (JSON.parse(output) as { verdict: string }).verdict,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function* lines(tokens: number, seed: number): Generator<string> {
  yield '{"id":"speed","turns":[';
  let first = true;
  for (const turn of background(seed, tokens)) {
    yield `${first ? '' : ','}${JSON.stringify(turn)}`;
    first = false;
  }
  yield ']}\n';
}

interface Usage {
  readonly userCPUTime: number;
  readonly systemCPUTime: number;
  /** KiB. */
  readonly maxRSS: number;
}

/** Runs our command; the process itself says at its end what it took. */
async function runMeasured(args: readonly string[]): Promise<{ output: string; usage: Usage }> {
  const report =
    "process.on('exit', () => process.stderr.write('\\n' + JSON.stringify(process.resourceUsage())))";
  const hook = `data:text/javascript,${encodeURIComponent(report)}`;
  const child = spawn(process.execPath, ['--import', hook, cli, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors] = [text(child.stdout), text(child.stderr)];
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`analyze ended with ${code}: ${await errors}`);
  return { output: await output, usage: JSON.parse((await errors).split('\n').at(-1) ?? '') as Usage };
}

async function text(stream: Readable): Promise<string> {
  let all = '';
  for await (const chunk of stream.setEncoding('utf8')) all += chunk as string;
  return all;
}
