/**
 * Stores of transcripts: one conversation of 10 million tokens kept and read again, in each of them. docs/transcripts.md has
 * the figures, docs/benchmarks.md the flags.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../test/servers/redis.js';
import { transcriptsFlags } from './flags.js';
import { machine } from './measure/machine.js';
import { machineText, printJson, whole } from './measure/print.js';
import { type Spread, spreadOf } from './measure/spread.js';
import { table } from './rlm/section.js';
import type { StoreName } from './transcripts/names.js';
import type { TranscriptRun } from './transcripts/run.js';

interface MeasuredRun extends TranscriptRun {
  /** Of the Redis server, where there is one. */
  readonly serverPeakMiB: number | null;
}

const { stores, tokens, runs, seed, json } = transcriptsFlags();
const measured = new Map<StoreName, MeasuredRun[]>(stores.map((name) => [name, []]));
let redisVersion = '';
// One after the other in each round, so that what else the machine does meets all of them.
for (let round = 0; round < runs; round++) for (const [name, own] of measured) own.push(await measure(name));

const on = machine(['lmdb', 'ioredis'], redisVersion === '' ? {} : { 'redis-server': redisVersion });
if (json) printJson({ machine: on, seed, runs: Object.fromEntries(measured) });
else {
  const [first] = [...measured.values()].flat();
  console.log(machineText(on));
  if (first !== undefined)
    console.log(
      `one conversation: ${whole(first.tokens)} tokens, ${whole(first.turns)} turns, ${whole(first.textBytes)} bytes of text; ` +
        `median of ${runs} runs (least to most)\n`,
    );
  const heading = [
    'store',
    'turns/s added',
    'turns/s read',
    's to add',
    's to read',
    'bytes a turn',
    'peak MiB',
  ];
  console.log(table([heading, ...[...measured].map(([name, own]) => row(name, own))]).join('\n'));
}

function row(name: string, own: readonly MeasuredRun[]): string[] {
  const over = (value: (run: MeasuredRun) => number) => spreadOf(own.map(value));
  const server = own.some(({ serverPeakMiB }) => serverPeakMiB !== null)
    ? ` + server ${whole(over(({ serverPeakMiB }) => serverPeakMiB ?? 0).median)}`
    : '';
  const mapped = over(({ mappedMiB }) => mappedMiB).median;
  return [
    name,
    spread(over(({ turns, addSeconds }) => turns / addSeconds)),
    spread(over(({ turns, readSeconds }) => turns / readSeconds)),
    over(({ addSeconds }) => addSeconds).median.toFixed(1),
    over(({ readSeconds }) => readSeconds).median.toFixed(1),
    whole(over(({ heldBytes, turns }) => heldBytes / turns).median),
    `${whole(over(({ peakResidentMiB }) => peakResidentMiB).median)} (${whole(mapped)} mapped)${server}`,
  ];
}

function spread({ median, least, most }: Spread): string {
  return `${whole(median)} (${whole(least)} to ${whole(most)})`;
}

async function measure(name: StoreName): Promise<MeasuredRun> {
  if (name === 'memory') return { ...(await run(name, '')), serverPeakMiB: null };
  if (name === 'folder') {
    const folder = mkdtempSync(join(tmpdir(), 'fulcrum-transcripts-'));
    try {
      return { ...(await run(name, folder)), serverPeakMiB: null };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'everysec'] });
  try {
    redisVersion = redis.version;
    const own = await run(name, redis.url);
    return { ...own, serverPeakMiB: peakMiB(redis.pid) };
  } finally {
    await redis.stop();
  }
}

async function run(name: StoreName, place: string): Promise<TranscriptRun> {
  const script = fileURLToPath(new URL('transcripts/run.js', import.meta.url));
  const args = ['--expose-gc', script, name, place, String(tokens), String(seed)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the run on ${name} ended with ${code}`);
  return JSON.parse(said) as TranscriptRun;
}

/** What a process had in memory at most. */
function peakMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
}
