import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latenciesOf, percentile } from '../../bench/measure/percentiles.js';

describe('percentiles', () => {
  it('are by nearest rank, in whatever order the samples came', () => {
    const samples = Array.from({ length: 1_000 }, (_, i) => ((i * 7) % 1_000) + 1);
    const expected = { count: 1_000, p50: 500, p90: 900, p99: 990, p999: 999, max: 1_000 };
    expect(latenciesOf(samples)).toEqual(expected);
  });

  it('of a single sample are that sample', () => {
    expect(latenciesOf([4.2])).toEqual({ count: 1, p50: 4.2, p90: 4.2, p99: 4.2, p999: 4.2, max: 4.2 });
  });

  it('of nothing are refused', () => {
    expect(() => latenciesOf([])).toThrow('nothing was measured');
  });

  it('are the least sample that enough of all are not above', () => {
    const samples = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 200 });
    const percents = fc.integer({ min: 1, max: 1_000 }).map((tenths) => tenths / 10);
    fc.assert(
      fc.property(samples, percents, (given, percent) => {
        const sorted = [...given].sort((a, b) => a - b);
        const found = percentile(sorted, percent);
        const needed = (percent / 100) * sorted.length;
        const notAbove = (limit: number): number => sorted.filter((sample) => sample <= limit).length;
        expect(notAbove(found)).toBeGreaterThanOrEqual(needed - 1e-6);
        for (const lower of sorted.filter((sample) => sample < found))
          expect(notAbove(lower)).toBeLessThan(needed);
      }),
    );
  });
});
