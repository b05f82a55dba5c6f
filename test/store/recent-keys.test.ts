import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentKeys } from '../../src/store/recent-keys.js';

const run = { seed: 40_503, numRuns: 2_000 };
const key = fc.nat(30).map((n) => `k${n}`);
const everyKey = Array.from({ length: 31 }, (_, n) => `k${n}`);

/** The distinct keys of a history, the one added last first. */
function newestFirst(added: readonly string[]): string[] {
  return [...new Set([...added].reverse())];
}

describe('the memory of recent keys', () => {
  const history = fc.tuple(fc.integer({ min: 1, max: 8 }), fc.array(key, { maxLength: 60 }));

  it('knows at least the newest keys of one generation, however often they came', () => {
    fc.assert(
      fc.property(history, ([generation, added]) => {
        const keys = new RecentKeys(generation);
        for (const one of added) keys.add(one);
        for (const one of newestFirst(added).slice(0, generation))
          expect([one, keys.has(one)]).toEqual([one, true]);
      }),
      run,
    );
  });

  it('knows at most two generations, and only keys that were added', () => {
    fc.assert(
      fc.property(history, ([generation, added]) => {
        const keys = new RecentKeys(generation);
        for (const one of added) keys.add(one);
        const known = everyKey.filter((one) => keys.has(one));
        expect(known.length).toBeLessThanOrEqual(2 * generation);
        expect(known.every((one) => added.includes(one))).toBe(true);
      }),
      run,
    );
  });

  it('agrees with a set until two generations are full', () => {
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 16 }), (added) => {
        const keys = new RecentKeys(8);
        const naive = new Set<string>();
        for (const one of added) {
          expect(keys.has(one)).toBe(naive.has(one));
          keys.add(one);
          naive.add(one);
          expect(everyKey.filter((known) => keys.has(known))).toEqual(
            everyKey.filter((known) => naive.has(known)),
          );
        }
      }),
      run,
    );
  });

  it('forgets a generation at a time', () => {
    const keys = new RecentKeys(2);
    for (const one of ['a', 'b', 'c', 'd']) keys.add(one);
    expect(['a', 'b', 'c', 'd'].map((one) => keys.has(one))).toEqual([true, true, true, true]);
    keys.add('e');
    expect(['a', 'b', 'c', 'd', 'e'].map((one) => keys.has(one))).toEqual([false, false, true, true, true]);
  });
});
