import { spreadText, whole } from '../measure/print.js';
import { type Spread, spreadOf } from '../measure/spread.js';
import type { Measured } from './measure.js';

interface ApplyFigures {
  readonly eventsPerSecond: Spread;
  readonly redisUs: number;
  readonly nodeUs: number;
  readonly bytesPerPair: number;
  /** What one core could do that ran nothing but Redis: events a second. */
  readonly onOneRedisCore: number;
}

export interface ApplyResult {
  readonly pairs: number;
  readonly ours: ApplyFigures;
  /** Every pair under `opening: change`; null: not measured. */
  readonly change: ApplyFigures | null;
  readonly naive: ApplyFigures;
  readonly ratio: number;
  /** Of the rates of one Redis core. */
  readonly redisRatio: number;
}

export function applyResult(
  pairs: number,
  ours: Measured,
  change: Measured | null,
  naive: Measured,
): ApplyResult {
  const figures = { ours: figuresOf(ours), naive: figuresOf(naive) };
  return {
    pairs,
    ...figures,
    change: change === null ? null : figuresOf(change),
    ratio: figures.ours.eventsPerSecond.median / figures.naive.eventsPerSecond.median,
    redisRatio: figures.ours.onOneRedisCore / figures.naive.onOneRedisCore,
  };
}

function figuresOf({ runs, bytesPerPair }: Measured): ApplyFigures {
  const redisUs = spreadOf(runs.map((run) => run.redisUs)).median;
  return {
    eventsPerSecond: spreadOf(runs.map((run) => run.eventsPerSecond)),
    redisUs,
    nodeUs: spreadOf(runs.map((run) => run.nodeUs)).median,
    bytesPerPair,
    onOneRedisCore: 1e6 / redisUs,
  };
}

export function printApply({ pairs, ours, change, naive, ratio, redisRatio }: ApplyResult): void {
  console.log(`${whole(pairs)} pairs`);
  printFigures('RedisStore.apply', ours);
  if (change !== null) {
    printFigures('the same, every pair under opening: change', change);
    const rate = change.eventsPerSecond.median / ours.eventsPerSecond.median;
    console.log(
      `    ${rate.toFixed(2)} of the rate, ${(change.redisUs / ours.redisUs).toFixed(2)} times Redis's CPU`,
    );
  }
  printFigures('one EVALSHA an event, 256 under way', naive);
  console.log(`  ${ratio.toFixed(2)} times as fast; ${redisRatio.toFixed(2)} times on one Redis core\n`);
}

function printFigures(name: string, figures: ApplyFigures): void {
  const { eventsPerSecond, redisUs, nodeUs, bytesPerPair, onOneRedisCore } = figures;
  console.log(`  ${name}: ${spreadText(eventsPerSecond, 'events/s')}`);
  console.log(
    `    CPU us/event: redis ${redisUs.toFixed(2)}, node ${nodeUs.toFixed(2)}; one Redis core alone could do ` +
      `${whole(onOneRedisCore)} events/s; ${Math.round(bytesPerPair)} bytes a pair`,
  );
}
