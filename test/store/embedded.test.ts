import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TrustStore } from '../../src/ports.js';
import { EmbeddedStore, type EmbeddedStoreOptions } from '../../src/store/embedded/store.js';
import type { TrustOutcome } from '../../src/trust/outcome.js';
import {
  apply,
  at,
  batch,
  collapse,
  command,
  day,
  dueBy,
  kinds,
  outboxOf,
  readPair,
  start,
  story,
  success,
  withCooldown,
} from '../contract/store/given.js';
import { freshPaths } from '../helpers/folders.js';

const freshPath = freshPaths();

const openAt = async (path: string, options?: EmbeddedStoreOptions): Promise<EmbeddedStore> => {
  const store = await EmbeddedStore.open(path, options);
  onTestFinished(() => store.close());
  return store;
};

/** Does `work` on a store that is closed after it, and opens what that left behind. */
async function reopenAfter(
  work: (store: TrustStore) => unknown,
  options?: EmbeddedStoreOptions,
): Promise<EmbeddedStore> {
  const path = freshPath();
  const store = await openAt(path, options);
  await work(store);
  await store.close();
  return openAt(path, options);
}

const cooldown = { policies: [withCooldown] };

describe('an embedded store that is opened again has', () => {
  it('the state of its pairs', async () => {
    let before: unknown;
    const store = await reopenAfter(async (first) => {
      await apply(first, [collapse(start + 1 / 3)], cooldown);
      await first.command(command('reset', start + 1, { agentA: 'c' }));
      before = [await readPair(first), await readPair(first, 'c')];
    });
    expect([await readPair(store), await readPair(store, 'c')]).toEqual(before);
  });

  it('the positions that were applied', async () => {
    const store = await reopenAfter((first) => apply(first, [success(start, at(1)), success(start, at(7))]));
    expect(await store.lastApplied('log')).toBe(7);
    const again = [success(start, at(1)), success(start, at(2)), success(start, at(7))];
    expect(kinds(await apply(store, again))).toEqual(['repeat', 'applied', 'repeat']);
  });

  it('the floor that a mark has set', async () => {
    const store = await reopenAfter((first) => first.mark([{ source: 'log', acknowledged: 50 }]), {
      replaySpan: 10,
    });
    expect(kinds(await apply(store, [success(start, at(40)), success(start, at(41))]))).toEqual([
      'repeat',
      'applied',
    ]);
  });

  it('the transitions that are not published, before those to come', async () => {
    const store = await reopenAfter(async (first) => {
      await apply(first, [collapse(start), collapse(start + 1, { agentA: 'c', traceparent: '00-trace' })]);
      await first.outbox.remove(await first.outbox.read(1));
    });
    await apply(store, [collapse(start + 2, { agentA: 'd' })]);
    expect(await story(store)).toEqual(['c-b opened at 1', 'd-b opened at 2']);
    expect((await outboxOf(store))[0]?.traceparent).toBe('00-trace');
  });

  it('the recoveries that are due', async () => {
    const store = await reopenAfter((first) => apply(first, [collapse(start)], cooldown));
    expect(await store.due(dueBy(start + 60))).toBe(1);
    expect((await readPair(store))?.state?.circuitState).toBe('HALF_OPEN');
  });

  it('the list of circuits that are not CLOSED', async () => {
    const store = await reopenAfter((first) =>
      apply(first, [collapse(start), success(start, { agentA: 'c' })]),
    );
    const listed: string[] = [];
    for await (const { pair } of store.circuits()) listed.push(pair.agentA);
    expect(listed).toEqual(['a']);
  });

  it('the ids of what producers sent', async () => {
    const store = await reopenAfter((first) => apply(first, [success(start, { duplicateKey: 'x' })]));
    expect(kinds(await apply(store, [success(start, { duplicateKey: 'x' })]))).toEqual(['duplicate']);
  });
});

describe('the ids of what producers sent', () => {
  const recentIds = 4;
  const send = async (store: TrustStore, ids: readonly number[]) =>
    kinds(
      await apply(
        store,
        ids.map((id) => success(start, { duplicateKey: String(id) })),
      ),
    );
  const sendMany = async (store: TrustStore) => {
    for (let id = 1; id <= 99; id += 3) await send(store, [id, id + 1, id + 2]);
  };

  it('are known, the newest of them, before and after a restart', async () => {
    const newest = [96, 97, 98, 99];
    const store = await reopenAfter(
      async (first) => {
        await sendMany(first);
        expect(new Set(await send(first, newest))).toEqual(new Set(['duplicate']));
      },
      { recentIds },
    );
    expect(new Set(await send(store, newest))).toEqual(new Set(['duplicate']));
  });

  it('are forgotten, the old ones of them, before and after a restart', async () => {
    const store = await reopenAfter(
      async (first) => {
        await sendMany(first);
        expect(await send(first, [1])).toEqual(['applied']);
      },
      { recentIds },
    );
    expect(await send(store, [2])).toEqual(['applied']);
  });

  it('do not pile up in the folder', async () => {
    const path = freshPath();
    const store = await openAt(path, { recentIds });
    await sendMany(store);
    await store.close();
    const root = open({ path, noSubdir: false, maxDbs: 16, overlappingSync: false });
    const ids = root.openDB<string, number>({ name: 'recent-ids', encoding: 'string' });
    const characters = [...ids.getRange()].reduce((sum, { value }) => sum + value.length, 0);
    await root.close();
    expect(characters / 16).toBeGreaterThanOrEqual(recentIds);
    expect(characters / 16).toBeLessThanOrEqual(2 * recentIds + 3);
  });
});

describe('a step that is broken off half way', () => {
  const broken = {
    ...collapse(start + 9, { agentA: 'c', ...at(3) }),
    get outcome(): TrustOutcome {
      throw new Error('broken off');
    },
  };
  const whole = [success(start, { ...at(1), duplicateKey: 'x' }), collapse(start, { agentA: 'd', ...at(2) })];

  const breakOff = (store: TrustStore) =>
    expect(async () => store.apply(batch([...whole, broken], cooldown))).rejects.toThrow('broken off');

  const expectNothingOf = async (store: TrustStore) => {
    expect(await readPair(store)).toBeNull();
    expect(await readPair(store, 'd')).toBeNull();
    expect(await outboxOf(store)).toEqual([]);
    expect((store as EmbeddedStore).lastApplied('log')).toBe(0);
    expect(await store.due(dueBy(start + day))).toBe(0);
    for await (const { pair } of store.circuits()) expect.unreachable(pair.agentA);
  };

  it('leaves nothing behind, in memory and in the folder', async () => {
    const store = await reopenAfter(async (first) => {
      await breakOff(first);
      await expectNothingOf(first);
    });
    await expectNothingOf(store);
  });

  it('can be done again', async () => {
    const store = await reopenAfter(async (first) => {
      await breakOff(first);
      expect(kinds(await apply(first, whole, cooldown))).toEqual(['applied', 'applied']);
    });
    expect(kinds(await apply(store, whole, cooldown))).toEqual(['repeat', 'repeat']);
    expect(await story(store)).toEqual(['d-b opened at 0']);
  });
});

describe('an embedded store', () => {
  it('removes from the folder what has expired', async () => {
    const path = freshPath();
    const time = { now: start };
    const store = await openAt(path, { clock: () => time.now });
    await apply(store, [success(start), collapse(start, { agentA: 'open' })], cooldown);
    time.now += 365 * day;
    await store.mark([]);
    await store.close();
    const root = open({ path, noSubdir: false, maxDbs: 16, overlappingSync: false });
    const pairs = root.openDB({ name: 'pairs', encoding: 'binary' });
    expect(pairs.getKeysCount()).toBe(1);
    await root.close();
  });

  it('refuses work once it is closed', async () => {
    const store = await openAt(freshPath());
    await store.close();
    await store.close();
    const closed = expect.objectContaining({ code: 'store_closed' });
    expect(() => store.apply(batch([success(start)]))).toThrow(closed);
    expect(() => store.command(command('reset', start))).toThrow(closed);
    expect(() => store.read('default', 'x')).toThrow(closed);
    expect(() => store.due(dueBy(start))).toThrow(closed);
    expect(() => store.outbox.read(1)).toThrow(closed);
  });

  it('leaves only its data in the folder when it is closed', async () => {
    const path = freshPath();
    const store = await openAt(path);
    await store.close();
    expect(readdirSync(path).sort()).toEqual(['data.mdb', 'lock.mdb']);
    expect(statSync(join(path, 'data.mdb')).size).toBeGreaterThan(0);
  });
});
