import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionOf, TranscriptBounds, TranscriptStore, TurnToKeep } from '../../src/rlm/ports.js';
import type { Turn } from '../../src/rlm/transcript.js';
import { MemoryTranscripts } from '../../src/store/transcripts/memory.js';
import { makePairId } from '../../src/trust/pair.js';

export interface TranscriptsUnderTest {
  readonly name: string;
  /** A new, empty one; the test's end closes it and takes away what it kept. */
  open(bounds: TranscriptBounds, clock: () => number): Promise<TranscriptStore>;
}

const now = 1_700_000_000;
const wide: TranscriptBounds = { bytesPerPair: 1e6, maxAgeSeconds: 1_000, bytesInTotal: 1e7 };
const talk: SessionOf = { tenant: 'default', pairId: makePairId('ann', 'bob'), session: 's' };
const other: SessionOf = { ...talk, pairId: makePairId('ann', 'eve') };

export function said(sequence: number, text: string, time = now, of = talk, source = 'log'): TurnToKeep {
  return {
    ...of,
    turn: { speaker: 'ann', text, time, eventId: `e-${source}-${sequence}` },
    position: { source, sequence },
  };
}

export async function allOf(store: TranscriptStore, of: SessionOf): Promise<Turn[]> {
  const turns: Turn[] = [];
  for await (const turn of store.turns(of)) turns.push(turn);
  return turns;
}

const textsOf = async (store: TranscriptStore, of = talk): Promise<string[]> =>
  (await allOf(store, of)).map(({ text }) => text);

/** The contract of the port `TranscriptStore`, on one of its implementations. */
export function describeTranscripts({ name, open }: TranscriptsUnderTest): void {
  const opened = (bounds: Partial<TranscriptBounds> = {}) => open({ ...wide, ...bounds }, () => now);

  describe(`a TranscriptStore: ${name}`, () => {
    it('gives back what was said, as it was said', async () => {
      const store = await opened();
      const turn = { speaker: 'ann "\0" é', text: 'a\0b\n€😀', time: now - 0.123456, eventId: 'e:1' };
      await store.add([{ ...talk, turn, position: { source: 'log', sequence: 1 } }]);
      expect(await allOf(store, talk)).toEqual([turn]);
    });

    it('leaves out what was said before a time that it is asked from', async () => {
      const store = await opened();
      await store.add([
        said(1, 'a', now - 2),
        said(2, 'b', now - 1),
        said(3, 'c', now - 1),
        said(4, 'd', now),
      ]);
      const texts: string[] = [];
      for await (const { text } of store.turns(talk, now - 1)) texts.push(text);
      expect(texts).toEqual(['b', 'c', 'd']);
    });

    it('has nothing of a session of which nothing was kept', async () => {
      const store = await opened();
      await store.add([]);
      expect(await allOf(store, talk)).toEqual([]);
      expect(await store.sessions(talk.tenant, talk.pairId)).toEqual([]);
    });

    it('puts turns in order of time, those of one time in order of their positions, late ones in their place', async () => {
      const store = await opened();
      await store.add([said(20, 'd', now), said(3, 'b', now - 1), said(9, 'c', now)]);
      await store.add([said(21, 'a', now - 2), said(100, 'e', now)]);
      expect(await textsOf(store)).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    it('keeps each position once, in one batch and in several', async () => {
      const store = await opened();
      await store.add([said(1, 'a'), said(1, 'a')]);
      await store.add([said(1, 'a'), said(1, 'a', now, talk, 'log-2')]);
      expect(await textsOf(store)).toEqual(['a', 'a']);
      expect(await store.sessions(talk.tenant, talk.pairId)).toMatchObject([{ turns: 2, bytes: 2 }]);
    });

    it('tells sessions, pairs and tenants apart, and names the session that spoke last first', async () => {
      const store = await opened();
      const elsewhere = [{ ...talk, session: 't' }, other, { ...talk, tenant: 'acme' }];
      await store.add([
        said(1, 'one', now - 5),
        ...elsewhere.map((of, i) => said(2 + i, `é${i}`, now - 1, of)),
      ]);
      expect(await store.sessions(talk.tenant, talk.pairId)).toEqual([
        { session: 't', turns: 1, bytes: 3, lastAt: now - 1 },
        { session: 's', turns: 1, bytes: 3, lastAt: now - 5 },
      ]);
      for (const [i, of] of elsewhere.entries()) expect(await textsOf(store, of)).toEqual([`é${i}`]);
    });

    it('keeps no turn that is older than the age, and none that becomes it', async () => {
      let time = now;
      const store = await open(wide, () => time);
      await store.add([said(1, 'old', now - 1_001), said(2, 'a', now - 900), said(3, 'b', now)]);
      expect(await textsOf(store)).toEqual(['a', 'b']);
      time += 200;
      expect(await textsOf(store)).toEqual(['b']);
      await store.add([said(4, 'c', time)]);
      expect(await store.sessions(talk.tenant, talk.pairId)).toMatchObject([{ turns: 2, bytes: 2 }]);
    });

    it('drops the oldest turns of a pair that has more than its bytes, of whatever session', async () => {
      const store = await opened({ bytesPerPair: 4 });
      const second = { ...talk, session: 't' };
      await store.add([said(1, 'aa', now - 3), said(2, 'bb', now - 4, second), said(3, 'x', now - 9, other)]);
      await store.add([said(4, 'cc', now - 2)]);
      expect(await textsOf(store)).toEqual(['aa', 'cc']);
      expect(await textsOf(store, second)).toEqual([]);
      expect(await textsOf(store, other)).toEqual(['x']);
    });

    it('drops the oldest turns of all where all have more than the total', async () => {
      const store = await opened({ bytesInTotal: 4 });
      await store.add([said(1, 'aa', now - 3), said(2, 'bb', now - 4, other)]);
      await store.add([said(3, 'cc', now - 2)]);
      expect(await textsOf(store)).toEqual(['aa', 'cc']);
      expect(await store.sessions(other.tenant, other.pairId)).toEqual([]);
    });

    it('is read while others add to it', async () => {
      const store = await opened();
      await store.add(Array.from({ length: 2_500 }, (_, i) => said(i + 1, `${i}`, now - 500 + i / 100)));
      const texts: string[] = [];
      for await (const { text } of store.turns(talk)) {
        if (texts.push(text) === 1) await store.add([said(9_000, 'early', now - 600), said(9_001, 'late')]);
      }
      expect(texts).toHaveLength(2_501);
      expect(texts.at(-1)).toBe('late');
    });

    it('agrees with the one in memory, whatever is added', async () => {
      const turn = fc.record({
        sequence: fc.integer({ min: 1, max: 30 }),
        source: fc.constantFrom('log', 'log-2'),
        of: fc.constantFrom(talk, { ...talk, session: 't' }, other),
        bytes: fc.integer({ min: 1, max: 12 }),
        ago: fc.integer({ min: 0, max: 1_010 }),
      });
      /** What lies at a position is always the same. */
      const byPosition = {
        selector: (t: { source: string; sequence: number }) => `${t.source}/${t.sequence}`,
      };
      const story = fc.uniqueArray(turn, { maxLength: 40, ...byPosition });
      const cuts = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(story, cuts, async (turns, at) => {
          const bounds = { bytesPerPair: 60, maxAgeSeconds: 1_000, bytesInTotal: 90 };
          const store = await open(bounds, () => now);
          const model = new MemoryTranscripts({ bounds, clock: () => now });
          // Turns of one time and different sessions have no order among them; here no two have one time.
          const all = turns.map((t, i) =>
            said(t.sequence, 'x'.repeat(t.bytes), now - t.ago + i / 100, t.of, t.source),
          );
          for (const cut of [...at, 0]) {
            for (const one of [store, model]) await one.add(all.slice(cut));
            for (const one of [talk, { ...talk, session: 't' }, other])
              expect(await allOf(store, one)).toEqual(await allOf(model, one));
            const { tenant, pairId } = talk;
            expect(await store.sessions(tenant, pairId)).toEqual(model.sessions(tenant, pairId));
          }
          await store.close();
        }),
        { numRuns: 25, seed: 7 },
      );
    });
  });
}
