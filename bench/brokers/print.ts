/** What the benchmarks of brokers say, as text or as JSON. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerFlags } from '../flags.js';
import type { LatencyRun } from '../latency.js';
import type { Machine } from '../measure/machine.js';
import { cpuText, machineText, printJson, spreadText, whole } from '../measure/print.js';
import { readProfile } from '../measure/profile.js';
import { type Spread, spreadOf } from '../measure/spread.js';
import type { Contender } from './bench.js';

const profileLines = 30;

interface DrainResult {
  readonly name: string;
  readonly what: string;
  readonly eventsPerSecond: Spread;
  /** Microseconds per event, the median of each process. */
  readonly cpuUs: Readonly<Record<string, number>>;
  /** How many times as fast ours is. */
  readonly ratio: number;
}

export function printDrains(on: Machine, flags: BrokerFlags, contenders: readonly Contender[]): void {
  const results = drainResults(contenders);
  const { events, pairs, runs } = flags;
  if (flags.json) {
    printJson({ machine: on, events, pairs, runs, results });
    return;
  }
  console.log(machineText(on));
  console.log(`${whole(events)} events, ${whole(pairs)} pairs; median of ${runs} runs (least to most)\n`);
  for (const { name, what, eventsPerSecond, cpuUs, ratio } of results) {
    console.log(`${name}: ${spreadText(eventsPerSecond, 'events/s')}: ${what}`);
    if (Object.keys(cpuUs).length > 0) console.log(`  CPU us/event: ${cpuText(cpuUs)}`);
    if (name !== 'ours') console.log(`  ours is ${ratio.toFixed(2)} times as fast`);
  }
}

function drainResults(contenders: readonly Contender[]): DrainResult[] {
  const spreads = contenders.map(({ runs }) => spreadOf(runs.map(({ eventsPerSecond }) => eventsPerSecond)));
  const ours = spreads[contenders.findIndex(({ name }) => name === 'ours')]?.median ?? Number.NaN;
  return contenders.map(({ name, what, runs }, i) => {
    const eventsPerSecond = spreads[i] as Spread;
    const processes = Object.keys(runs[0]?.cpuUs ?? {});
    const cpuUs = processes.map((process) => [
      process,
      spreadOf(runs.map((run) => run.cpuUs[process] ?? Number.NaN)).median,
    ]);
    return {
      name,
      what,
      eventsPerSecond,
      cpuUs: Object.fromEntries(cpuUs),
      ratio: ours / eventsPerSecond.median,
    };
  });
}

export function printLatencies(
  on: Machine,
  flags: BrokerFlags,
  system: string,
  runs: readonly LatencyRun[],
): void {
  if (flags.json) {
    printJson({ machine: on, system, seconds: flags.seconds, runs });
    return;
  }
  console.log(machineText(on));
  console.log(`failure to be sent to circuit event received, ${system}, ${flags.seconds} s a rate, ms\n`);
  const columns = ['p50', 'p90', 'p99', 'p999', 'max'] as const;
  console.log(row(['events/s', 'measured', 'missed', ...columns]));
  for (const { rate, missed, latencies, cpuUs } of runs) {
    const figures = columns.map((column) => latencies[column].toFixed(1));
    console.log(row([whole(rate), whole(latencies.count), whole(missed), ...figures]));
    console.log(`          CPU us/failure: ${cpuText(cpuUs)}`);
  }
}

const row = (cells: readonly string[]): string => cells.map((cell) => cell.padStart(9)).join(' ');

/** The newest profile of a folder: functions by their own time, then by all of it. */
export function printProfile(on: Machine, flags: BrokerFlags, folder: string): void {
  const newest = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .sort()
    .at(-1);
  const file = join(folder, newest ?? '');
  const bySelf = readProfile(file);
  const byTotal = bySelf.toSorted((a, b) => b.total - a.total);
  if (flags.json) {
    printJson({
      machine: on,
      file,
      bySelf: bySelf.slice(0, profileLines),
      byTotal: byTotal.slice(0, profileLines),
    });
    return;
  }
  console.log(`${machineText(on)}\n${file}: share of the processor's CPU time\n`);
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`.padStart(7);
  for (const [order, entries] of Object.entries({ 'own time': bySelf, 'with what it calls': byTotal })) {
    console.log(`by ${order}\n    own   total`);
    for (const { where, self, total } of entries.slice(0, profileLines))
      console.log(`${share(self)} ${share(total)}  ${where}`);
  }
}
