import { readdirSync, statSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SessionOf, TranscriptBounds, TranscriptStore, TurnToKeep } from '../../src/rlm/ports.js';
import { EmbeddedTranscripts } from '../../src/store/embedded/transcripts.js';
import { MemoryTranscripts } from '../../src/store/transcripts/memory.js';
import { makePairId } from '../../src/trust/pair.js';
import { allOf, said } from '../contract/transcripts.js';
import { freshPaths } from '../helpers/folders.js';
import { type AddingProcess, holdTranscripts } from '../helpers/other-process.js';

const freshPath = freshPaths();

const wide: TranscriptBounds = { bytesPerPair: 1e9, maxAgeSeconds: 1e9, bytesInTotal: 1e9 };
const talk: SessionOf = { tenant: 'default', pairId: makePairId('ann', 'bob'), session: 's' };
const talks: readonly SessionOf[] = [
  talk,
  { ...talk, session: 't' },
  { ...talk, pairId: makePairId('ann', 'eve') },
];

const openAt = async (path: string, bounds = wide): Promise<EmbeddedTranscripts> => {
  const store = await EmbeddedTranscripts.open(path, { bounds });
  onTestFinished(() => store.close());
  return store;
};

const hold = async (path: string, bounds = wide): Promise<AddingProcess> => {
  const owner = await holdTranscripts(path, bounds);
  expect(owner.refused).toBeUndefined();
  return owner;
};

const inUse = expect.objectContaining({
  code: 'store_in_use',
  message: expect.stringMatching(/in use by another process\. Stop it first, or .* a Redis that all share/),
});

describe('a folder of transcripts belongs to one process at a time:', () => {
  it('it can be looked into by its owner alone', async () => {
    const path = freshPath();
    await openAt(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('another process is refused while this one has it, and gets it when it was closed', async () => {
    const path = freshPath();
    const store = await openAt(path);
    store.add([said(1, 'mine')]);
    expect((await holdTranscripts(path, wide)).refused).toEqual(inUse);
    store.add([said(2, 'mine too')]);
    expect(await textsOf(store)).toEqual(['mine', 'mine too']);
    await store.close();
    const next = await hold(path);
    next.add([said(3, 'and this')]);
    await next.untilSafe(1);
    await next.stop();
    expect(await textsOf(await openAt(path))).toEqual(['mine', 'mine too', 'and this']);
  });

  it('this process is refused while another has it, and the other goes on', async () => {
    const path = freshPath();
    const owner = await hold(path);
    await expect(EmbeddedTranscripts.open(path)).rejects.toEqual(inUse);
    owner.add([said(1, 'theirs')]);
    await owner.untilSafe(1);
    await expect(EmbeddedTranscripts.open(path)).rejects.toEqual(inUse);
    await owner.stop();
    expect(await textsOf(await openAt(path))).toEqual(['theirs']);
  });

  it('one of many that come at once gets it, after its owner was killed', async () => {
    const path = freshPath();
    await (await hold(path)).kill();
    expect(readdirSync(path)).toContainEqual(expect.stringMatching(/^owner-.*\.sock$/));
    const starts = await Promise.all([1, 2, 3, 4].map(() => holdTranscripts(path, wide)));
    const refused = starts.flatMap(({ refused }) => (refused === undefined ? [] : [refused]));
    expect(refused).toEqual([inUse, inUse, inUse]);
  });
});

const textsOf = async (store: TranscriptStore) => (await allOf(store, talk)).map(({ text }) => text);

const batchSize = 100;
const start = Date.now() / 1_000 - 86_400;

/** Turns of three conversations, not in the order of their times, of which no two are the same. */
function batchesOf(bytesOf: (n: number) => number): readonly (readonly TurnToKeep[])[] {
  return Array.from({ length: 150 }, (_, batch) =>
    Array.from({ length: batchSize }, (_, i) => {
      const n = batch * batchSize + i;
      return said(
        n,
        `turn ${n}`.padEnd(bytesOf(n)),
        start + ((n * 7) % 300) + n / 1_000,
        talks[n % talks.length],
      );
    }),
  );
}

const batches = batchesOf((n) => 20 + ((n * 37) % 400));
/** What is dropped of these depends on their times alone, not on what was added before what. */
const evenBatches = batchesOf(() => 200);

/** Every conversation, and what is said of it, of a store. */
async function contentOf(store: TranscriptStore) {
  const pairs = [...new Set(talks.map(({ pairId }) => pairId))];
  return {
    turns: await Promise.all(talks.map((of) => allOf(store, of))),
    sessions: await Promise.all(pairs.map((pairId) => store.sessions('default', pairId))),
  };
}

/** What a store has that was given batches once, and was never disturbed. */
async function contentAfter(batches: readonly (readonly TurnToKeep[])[], bounds: TranscriptBounds) {
  const model = new MemoryTranscripts({ bounds });
  for (const batch of batches) model.add(batch);
  return contentOf(model);
}

/** Batches that are safe when it is killed: from before the first one on. */
const kills = [0, 1, 0, 2, 7, 3, 1, 12, 5];
/** So many more it has to add by then: whatever the machine does meanwhile, some are left for the next round. */
const ahead = 12;

/** Has one process after another add batches and kills it; says how many were safe after each kill. */
async function* killedAgainAndAgain(
  path: string,
  batches: readonly (readonly TurnToKeep[])[],
  bounds: TranscriptBounds,
): AsyncGenerator<number> {
  let safe = 0;
  let inTheMiddle = 0;
  for (const more of kills) {
    const owner = await hold(path, bounds);
    for (const batch of batches.slice(safe, safe + more + ahead)) owner.add(batch);
    await owner.untilSafe(more);
    await owner.kill();
    if (owner.safe() < more + ahead) inTheMiddle += 1;
    safe += owner.safe();
    yield safe;
  }
  expect(inTheMiddle).toBeGreaterThan(0);
}

describe('a process that is killed while it adds turns, again and again,', () => {
  it('has kept every batch that it said to be safe, each turn once and in order, and the next one goes on', async () => {
    const path = freshPath();
    let safe = 0;
    for await (safe of killedAgainAndAgain(path, batches, wide)) {
      const store = await openAt(path);
      const content = await contentOf(store);
      const kept = content.turns.flat().length / batchSize;
      // A batch is there whole or not at all; the last may have been safe before it could say so.
      expect([safe, safe + 1]).toContain(kept);
      expect(content).toEqual(await contentAfter(batches.slice(0, kept), wide));
      await store.close();
    }
    const owner = await hold(path);
    for (const batch of batches.slice(safe)) owner.add(batch);
    await owner.untilSafe(batches.length - safe);
    await owner.kill();
    expect(await contentOf(await openAt(path))).toEqual(await contentAfter(batches, wide));
  });

  it('holds the bounds again with the next batch, and has dropped the oldest alone', async () => {
    const path = freshPath();
    const bounds = { ...wide, bytesPerPair: 20_000, bytesInTotal: 30_000 };
    let safe = 0;
    for await (safe of killedAgainAndAgain(path, evenBatches, bounds))
      expect(safe).toBeLessThan(evenBatches.length);
    const store = await openAt(path, bounds);
    for (const batch of evenBatches.slice(safe)) store.add(batch);
    const content = await contentOf(store);
    expect(content).toEqual(await contentAfter(evenBatches, bounds));
    expect(content.turns.flat().length).toBe(150);
  });
});
