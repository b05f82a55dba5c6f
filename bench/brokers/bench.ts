/** What the benchmarks of both brokers do: drain a filled log, or measure latency, and print it. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { type RedisServer, startRedis } from '../../test/servers/redis.js';
import { type DrainRun, type DrainSetting, drainNaively, drainWithOurs } from '../drain.js';
import type { BrokerFlags } from '../flags.js';
import { measureLatency } from '../latency.js';
import { type Machine, machine } from '../measure/machine.js';
import { buildPeer, type Peer } from '../peers.js';
import type { FilledLog, LiveLog } from './log.js';
import { printDrains, printLatencies, printProfile } from './print.js';

export interface BrokerBench {
  readonly fillLog: (events: number, pairs: number) => Promise<FilledLog>;
  readonly startLog: () => Promise<LiveLog>;
  /** Packages whose versions matter. */
  readonly packages: readonly string[];
}

/** One way to drain the log, and its runs. */
export interface Contender {
  readonly name: string;
  readonly what: string;
  readonly run: (reader: string) => Promise<DrainRun>;
  readonly runs: DrainRun[];
}

export async function benchBroker(bench: BrokerBench, flags: BrokerFlags): Promise<void> {
  if (flags.latency) await benchLatency(bench, flags);
  else await benchDrain(bench, flags);
}

async function benchDrain({ fillLog, packages }: BrokerBench, flags: BrokerFlags): Promise<void> {
  const redis = await startRedis({ own: true });
  const log = await fillLog(flags.events, flags.pairs);
  try {
    const on = machineOf(packages, redis, log);
    if (flags.profile === null) printDrains(on, flags, await drainAll({ log, redis }, flags));
    else {
      const { folder, nodeFlags } = profilerTo(flags.profile);
      await drainWithOurs({ log, redis }, 'profiled', nodeFlags);
      printProfile(on, flags, folder);
    }
  } finally {
    await log.close();
    await redis.stop();
  }
}

async function drainAll(setting: DrainSetting, flags: BrokerFlags): Promise<readonly Contender[]> {
  const peer = flags.peers === null ? null : await buildPeer(setting.log.system, flags.peers);
  try {
    const contenders = chosen(contendersOf(setting, peer), flags.only);
    // One after the other in each round, so that what else the machine does meets all of them.
    for (let round = 0; round < flags.runs; round++)
      for (const { name, run, runs } of contenders) runs.push(await run(`${name}-${round}`));
    return contenders;
  } finally {
    peer?.close();
  }
}

function profilerTo(to: string): { readonly folder: string; readonly nodeFlags: readonly string[] } {
  const folder = resolve(to);
  mkdirSync(folder, { recursive: true });
  return { folder, nodeFlags: ['--cpu-prof', `--cpu-prof-dir=${folder}`] };
}

/** Ours, and those of the others that are asked for. @throws RangeError when one of them is not there */
function chosen(all: readonly Contender[], only: readonly string[] | null): readonly Contender[] {
  const names = all.map(({ name }) => name);
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new RangeError(`--only ${unknown}: there is ${names.join(', ')}`);
  return all.filter(({ name }) => name === 'ours' || (only?.includes(name) ?? true));
}

function contendersOf(setting: DrainSetting, peer: Peer | null): Contender[] {
  const { naives } = setting.log;
  return [
    {
      name: 'ours',
      what: 'one fulcrum-trust process: dedupe, outbox, due times, dead letters',
      run: (reader) => drainWithOurs(setting, reader),
      runs: [],
    },
    ...naives.map((naive) => ({
      name: naive.name,
      what: naive.what,
      run: (reader: string) => drainNaively(setting, reader, naive),
      runs: [],
    })),
    ...(peer === null ? [] : [{ name: peer.name, what: peer.what, run: () => peer.run(setting), runs: [] }]),
  ];
}

async function benchLatency({ startLog, packages }: BrokerBench, flags: BrokerFlags): Promise<void> {
  const redis = await startRedis({ own: true });
  const log = await startLog();
  try {
    const on = machineOf(packages, redis, log);
    const profiler = flags.profile === null ? null : profilerTo(flags.profile);
    const runs = await measureLatency({ log, redis, ...flags, nodeFlags: profiler?.nodeFlags ?? [] });
    printLatencies(on, flags, log.system, runs);
    if (profiler !== null) printProfile(on, flags, profiler.folder);
  } finally {
    await log.close();
    await redis.stop();
  }
}

function machineOf(packages: readonly string[], redis: RedisServer, log: FilledLog | LiveLog): Machine {
  const servers = { 'redis-server': redis.version, [`${log.system}-server`]: log.server.version };
  return machine(packages, servers);
}
