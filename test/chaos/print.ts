/** How the outcome of rounds looks: a table, or one object. */
import { percentile } from '../../bench/measure/percentiles.js';
import type { Outcome, Round } from './rounds.js';
import type { Verdict } from './verify.js';

/** Of what went wrong, so many lines are shown. */
const mostFaults = 20;

/** Everything that a run came to, for machines. */
export function summaryOf({ options, rounds, verdict, figures }: Outcome) {
  const { source, seed, without } = options;
  return {
    source,
    seed,
    ...(without === undefined ? {} : { without }),
    rounds: rounds.length,
    faults: countBy(rounds, ({ fault }) => fault),
    notReached: rounds.filter(({ injected }) => !injected).length,
    figures,
    verdict: { ...verdict, faults: verdict.faults.length, first: verdict.faults.slice(0, mostFaults) },
    recoveryMs: recoveries(rounds),
  };
}

export function summaryText(outcome: Outcome): string {
  const { source, seed, without, faults, notReached, figures, verdict, recoveryMs } = summaryOf(outcome);
  const withoutIt = without === undefined ? '' : `, without ${without}`;
  const rows: [string, string | number][] = [
    [`rounds on ${source}, seed ${seed}${withoutIt}`, outcome.rounds.length],
    ...Object.entries(faults).map(([name, count]): [string, number] => [`  ${name}`, count]),
    ['faults that were not reached', notReached],
    ['messages published', figures.messages],
    ['  interactions accepted', figures.accepted],
    ['  sent again by their producer', figures.duplicates],
    ['  refused, a dead letter each', figures.refused],
    ['  commands', figures.commands],
    ['  lost by the broker', figures.lostByBroker],
    ['pairs', verdict.pairs],
    ['interactions to be counted after resets', verdict.expected],
    ['  counted', verdict.counted],
    ['  too many', verdict.tooMany],
    ['  too few', verdict.tooFew],
    ['transitions', figures.transitions],
    ['  of pairs under opening: change', figures.underChange],
    ['  published again', figures.repeats],
    ['  of them late', figures.lateRepeats],
    ...Object.entries(recoveryMs).map(([name, ms]): [string, string] => [
      `recovery ${name}`,
      `${(ms / 1_000).toFixed(1)} s`,
    ]),
    ['what is not as promised', verdict.faults],
  ];
  return tableOf(rows);
}

export function tableOf(rows: readonly (readonly [name: string, value: string | number])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const text = (value: string | number): string =>
    typeof value === 'number' ? value.toLocaleString('en-US') : value;
  return rows.map(([name, value]) => name.padEnd(width) + text(value)).join('\n');
}

/** Prints a result, and ends the process: with 1 where something is not as promised. */
export function printResult(
  json: boolean,
  summary: object,
  table: string,
  { verdict, folder }: { readonly verdict: Verdict; readonly folder: string | null },
): never {
  const shown = verdict.faults.slice(0, mostFaults).map((fault) => `- ${fault}`);
  const more = verdict.faults.length - shown.length;
  if (more > 0) shown.push(`- and ${more} more`);
  if (folder !== null) shown.push(`logs: ${folder}`);
  process.stdout.write(`${json ? JSON.stringify(summary, null, 2) : [table, ...shown].join('\n')}\n`);
  process.exit(verdict.faults.length === 0 ? 0 : 1);
}

function recoveries(rounds: readonly Round[]): Readonly<Record<'p50' | 'p90' | 'p99' | 'max', number>> {
  const sorted = rounds.map(({ recoveryMs }) => recoveryMs).sort((a, b) => a - b);
  const at = (percent: number): number => Math.round(percentile(sorted, percent));
  return { p50: at(50), p90: at(90), p99: at(99), max: at(100) };
}

function countBy<T>(items: readonly T[], nameOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[nameOf(item)] = (counts[nameOf(item)] ?? 0) + 1;
  return counts;
}
