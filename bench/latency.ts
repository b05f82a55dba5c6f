/**
 * How long a failure takes to become a circuit event. Failures are sent at a fixed rate, whatever comes back; each is
 * of a pair of its own and opens its circuit. Each counts from the moment at which it was to be sent: one that had to
 * wait because everything stood still has waited, though it was sent late.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { makePairId } from 'fulcrum-trust';
import type { RedisServer } from '../test/servers/redis.js';
import type { LiveLog } from './brokers/log.js';
import { Child } from './child.js';
import { type CpuTimes, cpuPerEvent, cpuTimes } from './measure/cpu.js';
import { type Latencies, latenciesOf } from './measure/percentiles.js';
import { cli } from './project.js';

export interface LatencyRun {
  /** Failures a second. */
  readonly rate: number;
  /** Circuit events that did not come; they are in no percentile. */
  readonly missed: number;
  readonly latencies: Latencies;
  /** Microseconds per failure of each process, warm-up included; `bench` sends and listens. */
  readonly cpuUs: CpuTimes;
}

export interface LatencySetting {
  readonly log: LiveLog;
  readonly redis: RedisServer;
  readonly rates: readonly number[];
  /** Measured at each rate. */
  readonly seconds: number;
  /** Of the processor's process, e.g. to profile it. */
  readonly nodeFlags: readonly string[];
}

/** The first seconds of each rate warm up and do not count. */
const warmUpSeconds = 5;
/** What has not come so long after the last was sent is missed. */
const patienceMs = 10_000;
const startWithinMs = 60_000;
const tools = 97;
/** The weight that opens the circuit of a fresh pair at once. */
const weight = 100;

export async function measureLatency(setting: LatencySetting): Promise<LatencyRun[]> {
  const { log, redis, rates, seconds, nodeFlags } = setting;
  const servers = [`--${log.system}`, log.address, '--redis', redis.url];
  const args = [cli, 'process', '--source', log.system, ...servers];
  const child = Child.node('the processor', [...nodeFlags, ...args]);
  const pids = { [log.system]: log.server.pid, redis: redis.pid, node: child.pid, bench: process.pid };
  const heard: Heard = new Map();
  await log.onCircuit((body) => heard.get(eventOf(body))?.(performance.now()));
  await Promise.race([waitForStart(log, heard), child.failed]);
  const runs: LatencyRun[] = [];
  for (const rate of rates) {
    const before = cpuTimes(pids);
    const run = await Promise.race([measure(log, heard, rate, seconds), child.failed]);
    const failures = (warmUpSeconds + seconds) * rate;
    runs.push({ rate, ...run, cpuUs: cpuPerEvent(before, cpuTimes(pids), failures) });
  }
  await child.stop();
  return runs;
}

/** What is to be done when the circuit event of an interaction comes, by the interaction's id. */
type Heard = Map<string, (atMs: number) => void>;

/** The processor takes what was sent before it was there: when that has come back, all of them are up. */
async function waitForStart(log: LiveLog, heard: Heard): Promise<void> {
  const came = new Promise<void>((resolve) => heard.set('start', () => resolve()));
  log.send([failure('start', 0)]);
  await Promise.race([
    came,
    pause(startWithinMs, undefined, { ref: false }).then(() => {
      throw new Error(`no circuit event within ${startWithinMs} ms of the start`);
    }),
  ]);
}

async function measure(log: LiveLog, heard: Heard, rate: number, seconds: number) {
  const warmUp = warmUpSeconds * rate;
  const total = warmUp + seconds * rate;
  const samplesMs: number[] = [];
  let missing = total;
  heard.clear();
  const all = new Promise<void>((resolve) => {
    // A few ms ahead, so that the first is not late.
    const startMs = performance.now() + 50;
    const intendedMs = (event: number): number => startMs + (event * 1_000) / rate;
    for (let event = 0; event < total; event++) {
      const id = `${rate}-${event}`;
      heard.set(id, (atMs) => {
        heard.delete(id);
        if (event >= warmUp) samplesMs.push(atMs - intendedMs(event));
        if (--missing === 0) resolve();
      });
    }
    void sendOnTime(log, total, intendedMs, (event) => failure(`${rate}-${event}`, event)).then(() =>
      pause(patienceMs, undefined, { ref: false }).then(resolve),
    );
  });
  await all;
  return { missed: missing, latencies: latenciesOf(samplesMs) };
}

/** Sends each when its time has come, and all that are late at once. */
async function sendOnTime(
  log: LiveLog,
  total: number,
  intendedMs: (event: number) => number,
  make: (event: number) => ReturnType<typeof failure>,
): Promise<void> {
  for (let event = 0; event < total; ) {
    const due = [];
    for (const nowMs = performance.now(); event < total && intendedMs(event) <= nowMs; event++)
      due.push(make(event));
    if (due.length > 0) log.send(due);
    await pause(1);
  }
}

function failure(id: string, event: number) {
  // Agents with pairs in common, as in a fleet, and not one that has all of them.
  const [agentA, agentB] = [`agent-${id}`, `tool-${event % tools}`];
  const cloudEvent = {
    ...{ specversion: '1.0', id, source: 'bench', type: 'fulcrum.trust.interaction.v1' },
    time: new Date().toISOString(),
    data: { agent_a: agentA, agent_b: agentB, outcome: 'failure', weight },
  };
  return { key: makePairId(agentA, agentB), body: Buffer.from(JSON.stringify(cloudEvent)) };
}

/** Which interaction caused a circuit event. */
function eventOf(body: Uint8Array): string {
  const { data } = JSON.parse(Buffer.from(body).toString()) as { data: { cause: { event_id?: string } } };
  return data.cause.event_id ?? '';
}
