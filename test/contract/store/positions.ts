import { describe, expect, it } from 'vitest';
import type { TrustStore } from '../../../src/ports.js';
import { apply, at, kinds, readPair, start, success } from './given.js';
import { openFor, type StoreUnderTest } from './under-test.js';

const count = async (store: TrustStore) => (await readPair(store))?.state?.interactionCount;

/** What comes of events at these positions, one batch. */
const applyAt = async (store: TrustStore, sequences: readonly number[], source = 'log') =>
  kinds(
    await apply(
      store,
      sequences.map((sequence) => success(start, at(sequence, source))),
    ),
  );

export function tellsPositionsApart(under: StoreUnderTest): void {
  describe('counts a position once', () => {
    it('when its batch is delivered again', async () => {
      const store = await openFor(under);
      await applyAt(store, [1, 2, 3]);
      expect(await applyAt(store, [1, 2, 3, 4])).toEqual(['repeat', 'repeat', 'repeat', 'applied']);
      expect(await count(store)).toBe(4);
    });

    it('when a batch has it twice', async () => {
      const store = await openFor(under);
      expect(await applyAt(store, [7, 8, 7])).toEqual(['applied', 'applied', 'repeat']);
      expect(await count(store)).toBe(2);
    });

    it('in any order of arrival', async () => {
      const store = await openFor(under);
      await applyAt(store, [5, 1, 9]);
      expect(await applyAt(store, [9, 8, 5, 2, 1])).toEqual([
        'repeat',
        'applied',
        'repeat',
        'applied',
        'repeat',
      ]);
      expect(await applyAt(store, [3, 4, 6, 7])).toEqual(['applied', 'applied', 'applied', 'applied']);
      expect(new Set(await applyAt(store, [1, 2, 3, 4, 5, 6, 7, 8, 9]))).toEqual(new Set(['repeat']));
      expect(await count(store)).toBe(9);
    });

    it('in each source', async () => {
      const store = await openFor(under);
      await applyAt(store, [1, 2]);
      expect(await applyAt(store, [1, 2], 'other')).toEqual(['applied', 'applied']);
    });

    it('even the first, 0', async () => {
      const store = await openFor(under);
      expect(await applyAt(store, [0, 0])).toEqual(['applied', 'repeat']);
    });
  });

  const { lastApplied } = under;
  describe.skipIf(lastApplied === undefined)('knows the highest position that was applied', () => {
    it('which is 0 where none was', async () => {
      const store = await openFor(under);
      expect(lastApplied?.(store, 'log')).toBe(0);
    });

    it('source by source', async () => {
      const store = await openFor(under);
      await applyAt(store, [4, 2]);
      await applyAt(store, [70], 'other');
      expect(lastApplied?.(store, 'log')).toBe(4);
      expect(lastApplied?.(store, 'other')).toBe(70);
    });
  });

  describe('after a mark', () => {
    const replaySpan = 10;

    it('takes what lies more than replaySpan below it as applied', async () => {
      const store = await openFor(under, { replaySpan });
      await applyAt(store, [1, 2, 18, 25]);
      await store.mark([{ source: 'log', acknowledged: 30 }]);
      expect(await applyAt(store, [15, 20, 21, 25])).toEqual(['repeat', 'repeat', 'applied', 'repeat']);
    });

    it('takes them so from the first on, wherever reading began', async () => {
      const store = await openFor(under, { replaySpan });
      await applyAt(store, [18, 25]);
      await store.mark([{ source: 'log', acknowledged: 30 }]);
      expect(await applyAt(store, [3, 17])).toEqual(['repeat', 'repeat']);
    });

    it('still tells apart what is within the span', async () => {
      const store = await openFor(under, { replaySpan });
      await applyAt(store, [1, 3]);
      await store.mark([{ source: 'log', acknowledged: 3 }]);
      expect(await applyAt(store, [1, 2, 3])).toEqual(['repeat', 'applied', 'repeat']);
    });

    it('leaves other sources alone', async () => {
      const store = await openFor(under, { replaySpan });
      await store.mark([{ source: 'log', acknowledged: 1_000 }]);
      expect(await applyAt(store, [5], 'other')).toEqual(['applied']);
    });

    it('does not go back when an older one comes', async () => {
      const store = await openFor(under, { replaySpan });
      await applyAt(store, [1]);
      await store.mark([{ source: 'log', acknowledged: 50 }]);
      await store.mark([{ source: 'log', acknowledged: 20 }]);
      expect(await applyAt(store, [35, 41])).toEqual(['repeat', 'applied']);
    });
  });
}
