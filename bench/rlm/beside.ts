import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { HttpClient } from '#dist/client/http.js';
import { type Latencies, latenciesOf } from '../measure/percentiles.js';
import { cli } from '../project.js';
import { background } from './session.js';

/** How well a process serves others for a while. */
export interface Serving {
  readonly seconds: number;
  /** Between two turns of its event loop, in ms. */
  readonly longestTurnMs: number;
  readonly p99TurnMs: number;
  /** From an interaction sent until the answer that it is applied and committed. */
  readonly interactions: Latencies;
}

export interface BesideRun {
  readonly tokens: number;
  readonly verdict: string;
  readonly idle: Serving;
  readonly analysing: Serving;
}

const turnsOfRequest = 500;
/** Interactions of another pair, one every so many ms. */
const everyMs = 20;
const idleMs = 5_000;

/** What `up` does for others while its analyser, in the same process, reads one session of so many tokens. */
export async function besideRun(tokens: number, seed: number): Promise<BesideRun> {
  const folder = mkdtempSync(join(tmpdir(), 'fulcrum-beside-'));
  const up = await startUp(folder);
  try {
    await fill(up.client, tokens, seed);
    const idle = await served(up, () => pause(idleMs));
    let verdict = '';
    const analysing = await served(up, async () => {
      verdict = await analysed(up.client, 'planner', 'coder');
    });
    return { tokens, verdict, idle, analysing };
  } finally {
    await up.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface MeasuredUp {
  readonly client: HttpClient;
  /** Begins to measure its event loop; what is returned ends it, and says what came of it. */
  measure(): Promise<() => Promise<Pick<Serving, 'longestTurnMs' | 'p99TurnMs'>>>;
  stop(): Promise<void>;
}

/** The process measures itself, from one signal to the next. */
const hook = `
import { monitorEventLoopDelay } from 'node:perf_hooks';
const turns = monitorEventLoopDelay({ resolution: 1 });
const say = (said) => process.stderr.write(JSON.stringify(said) + '\\n');
let measuring = false;
process.on('SIGUSR2', () => {
  measuring = !measuring;
  if (measuring) { turns.reset(); turns.enable(); say({ measuring }); return; }
  turns.disable();
  say({ longestTurnMs: turns.max / 1e6, p99TurnMs: turns.percentile(99) / 1e6 });
});`;

async function startUp(folder: string): Promise<MeasuredUp> {
  const settings = ['--set', 'analysis.tokenBudget=20000000'];
  const child = spawn(
    process.execPath,
    [
      ...['--import', `data:text/javascript,${encodeURIComponent(hook)}`],
      ...[cli, 'up', '--port', '0', '--json', '--data', folder, ...settings],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = new Promise((resolve) => child.once('close', resolve));
  const said = createInterface(child.stderr);
  const { url } = JSON.parse(await lineOf(createInterface(child.stdout), () => true)) as { url: string };
  said.on('line', (line) => {
    if (line.includes('falls behind')) throw new Error('not all that was said is kept: fill it more slowly');
  });
  const signal = async (key: string): Promise<string> => {
    const line = lineOf(said, (one) => one.includes(key));
    child.kill('SIGUSR2');
    return line;
  };
  return {
    client: new HttpClient(url),
    measure: async () => {
      await signal('measuring');
      return async () => JSON.parse(await signal('longestTurnMs'));
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function lineOf(lines: Interface, is: (line: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    const look = (line: string): void => {
      if (!is(line)) return;
      lines.off('line', look);
      resolve(line);
    };
    lines.on('line', look);
  });
}

async function fill(client: HttpClient, tokens: number, seed: number): Promise<void> {
  let events: string[] = [];
  for (const { speaker, text } of background(seed, tokens)) {
    events.push(JSON.stringify({ ...planner, content: text, attributes: { speaker } }));
    if (events.length < turnsOfRequest) continue;
    await publish(client, events.join('\n'), 'application/x-ndjson');
    // Answered when the analyser has kept what was said.
    await analysed(client, 'nobody', 'nobody');
    events = [];
  }
  if (events.length > 0) await publish(client, events.join('\n'), 'application/x-ndjson');
}

const planner = { agent_a: 'planner', agent_b: 'coder', outcome: 'success' };

/** Interactions of another pair are sent while `work` is done. */
async function served(up: MeasuredUp, work: () => Promise<unknown>): Promise<Serving> {
  const measured = await up.measure();
  const started = performance.now();
  const samples: Promise<number>[] = [];
  const timer = setInterval(() => samples.push(sendOne(up.client)), everyMs);
  await work();
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1_000;
  return { seconds, ...(await measured()), interactions: latenciesOf(await Promise.all(samples)) };
}

async function sendOne(client: HttpClient): Promise<number> {
  const started = performance.now();
  const event = JSON.stringify({ agent_a: 'ann', agent_b: 'bob', outcome: 'success' });
  await publish(client, event, 'application/json');
  return performance.now() - started;
}

/** Asks for an analysis of a pair, waits for it, and gives its verdict. */
async function analysed(client: HttpClient, agent_a: string, agent_b: string): Promise<string> {
  const pair = { tenant: 'default', agent_a, agent_b };
  const { id, analysis } = await client.analyze(pair);
  let found = analysis;
  while (found?.id !== id) {
    await pause(50);
    found = await client.analysis(pair);
  }
  return found.verdict;
}

async function publish(client: HttpClient, body: string, type: string): Promise<void> {
  const { rejected } = await client.publish(body, type);
  if (rejected.length > 0) throw new Error(`not all is taken: ${JSON.stringify(rejected[0])}`);
}
