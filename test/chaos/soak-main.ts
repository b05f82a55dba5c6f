/** `npm run test:soak`: hours or minutes of load with a fault a minute. docs/fault-tests.md says what is checked. */
import { parseArgs } from 'node:util';
import { percentile } from '../../bench/measure/percentiles.js';
import { brokerOf, wholeOf } from './flags.js';
import { printResult, tableOf } from './print.js';
import { type Minute, runSoak, type SoakOutcome } from './soak.js';

const { values } = parseArgs({
  options: {
    source: { type: 'string' },
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const outcome = await runSoak({
  source: brokerOf(values.source),
  minutes: wholeOf('minutes', values.minutes),
  seed: wholeOf('seed', values.seed),
  onMinute: (minute) => process.stderr.write(`${minuteText(minute)}\n`),
});
const summary = summaryOf(outcome);
printResult(values.json, summary, soakText(summary), outcome);

function minuteText({ number, fault, lagAtFault, recoveryMs, quietMs, memory }: Minute): string {
  const processors = Object.entries(memory).map(([name, size]) => `${name} ${size} MiB`);
  return (
    `minute ${number} ${fault}: lag ${lagAtFault} at the fault, recovered in ${(recoveryMs / 1_000).toFixed(1)} s, ` +
    `lag 0 in ${(quietMs / 1_000).toFixed(1)} s once the load was held; ${processors.join(', ')}`
  );
}

function summaryOf({ options, maximum, rate, minutes, verdict, figures }: SoakOutcome) {
  const sorted = minutes.map(({ recoveryMs }) => recoveryMs).sort((a, b) => a - b);
  const at = (percent: number): number => Math.round(percentile(sorted, percent));
  return {
    source: options.source,
    seed: options.seed,
    maximum,
    rate,
    minutes,
    figures,
    verdict,
    recoveryMs: { p50: at(50), p90: at(90), p99: at(99), max: at(100) },
    longestQuietMs: Math.round(Math.max(...minutes.map(({ quietMs }) => quietMs))),
    /** Of the processor that ran from the first minute to the last, in MiB. */
    memory: minutes.map(({ memory }) => memory['processor-1'] ?? 0),
  };
}

function soakText(summary: ReturnType<typeof summaryOf>): string {
  const { source, seed, maximum, rate, minutes, figures, verdict, recoveryMs, longestQuietMs, memory } =
    summary;
  return tableOf([
    [`minutes on ${source}, seed ${seed}`, minutes.length],
    ['measured maximum, messages a second', maximum],
    ['rate of the soak', rate],
    ['messages published', figures.messages],
    ['  interactions accepted', figures.accepted],
    ['pairs', verdict.pairs],
    ['interactions to be counted after resets', verdict.expected],
    ['  counted', verdict.counted],
    ['transitions', figures.transitions],
    ['  published again', figures.repeats],
    ...Object.entries(recoveryMs).map(
      ([name, ms]) => [`recovery ${name}`, `${(ms / 1_000).toFixed(1)} s`] as const,
    ),
    ['longest wait for lag 0, load held', `${(longestQuietMs / 1_000).toFixed(1)} s`],
    ['memory of processor-1, MiB, each minute', memory.join(' ')],
    ['what is not as promised', verdict.faults.length],
  ]);
}
