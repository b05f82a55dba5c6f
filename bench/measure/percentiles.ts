/** How long things took, in ms. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** @throws RangeError when there are none */
export function latenciesOf(samplesMs: readonly number[]): Latencies {
  const sorted = Float64Array.from(samplesMs).sort();
  const max = sorted.at(-1);
  if (max === undefined) throw new RangeError('nothing was measured, so there are no percentiles');
  return {
    count: sorted.length,
    p50: percentile(sorted, 50),
    p90: percentile(sorted, 90),
    p99: percentile(sorted, 99),
    p999: percentile(sorted, 99.9),
    max,
  };
}

/** By nearest rank: the least sample that at least `percent` of all are not above. A sample, never between two. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  // Rounded to what a percentage can say: 99.9 % of 1,000 is 999, not 999.0000000000001.
  const rank = Math.ceil(Number(((percent / 100) * sorted.length).toFixed(6)));
  const sample = sorted[Math.max(rank, 1) - 1];
  if (sample === undefined) throw new RangeError(`no percentile ${percent} of ${sorted.length} samples`);
  return sample;
}
