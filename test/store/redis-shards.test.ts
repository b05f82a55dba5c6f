import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FulcrumError } from '../../src/errors.js';
import { doAll, type ShardGroup, Shards } from '../../src/store/redis/shards.js';

const groups: readonly ShardGroup[] = [[0], [1], [2]];
const away = new FulcrumError('unavailable', 'redis does not answer');

function shards() {
  const told: string[] = [];
  const asked: number[] = [];
  /** Answers its own number, unless it is one of these; that takes 20 ms. */
  const but =
    (...failing: number[]) =>
    async ([shard = 0]: ShardGroup): Promise<number> => {
      asked.push(shard);
      nowMs += 20;
      if (failing.includes(shard)) throw away;
      return shard;
    };
  return { shards: new Shards((line) => void told.push(line)), told, asked, but };
}

let nowMs = 0;
beforeEach(() => void vi.spyOn(performance, 'now').mockImplementation(() => nowMs));
afterEach(() => void vi.restoreAllMocks());

describe('Shards', () => {
  it('says of each group what it answered, and tells once that some are away', async () => {
    const { shards: some, told, but } = shards();
    expect(await some.ask(groups, but(1))).toEqual([{ value: 0 }, { error: away }, { value: 2 }]);
    expect(await some.some(groups, but(1))).toEqual([0, 2]);
    expect(told).toEqual(['redis does not answer; what lies in shard 1 waits, the other shards go on']);
    await some.ask([[1]], but());
    await some.ask(groups, but());
    expect(told.slice(1)).toEqual(['every shard answers again']);
  });

  it('leaves one that failed alone for a while, but asks it when nothing else is asked', async () => {
    const { shards: some, asked, but } = shards();
    await some.ask(groups, but(1));
    asked.length = 0;
    expect(await some.ask(groups, but())).toEqual([{ value: 0 }, { error: away }, { value: 2 }]);
    expect(asked).toEqual([0, 2]);
    expect(await some.ask([[1]], but())).toEqual([{ value: 1 }]);
    expect(await some.some(groups, but())).toEqual([0, 1, 2]);
  });

  it('throws when none answers, and asks all of them again', async () => {
    const { shards: some, asked, but, told } = shards();
    await expect(some.ask(groups, but(0, 1, 2))).rejects.toBe(away);
    expect(asked).toEqual([0, 1, 2]);
    asked.length = 0;
    expect(await some.some(groups, but())).toEqual([0, 1, 2]);
    expect(told).toEqual([]);
  });

  it('throws what trying again cannot mend, whatever the others answer', async () => {
    const closed = new FulcrumError('store_closed', 'closed');
    const work = async ([shard]: ShardGroup) => {
      if (shard === 1) throw closed;
    };
    await expect(shards().shards.ask(groups, work)).rejects.toBe(closed);
    await expect(shards().shards.inTurn(groups, work)).rejects.toBe(closed);
    await expect(shards().shards.first([[1], [0]], work)).rejects.toBe(closed);
  });

  it('asks in turn, and waits for one of those that are away at most', async () => {
    const { shards: some, asked, but } = shards();
    await some.ask(groups, but(0, 1));
    // They are left alone no longer.
    nowMs += 1_000;
    asked.length = 0;
    await some.inTurn(groups, async (group) => void (await but(0, 1)(group)));
    expect(asked).toEqual([0, 2]);
  });

  it('asks those first that answered when one answer is enough', async () => {
    const { shards: some, asked, but } = shards();
    expect(await some.first(groups, but(0))).toBe(1);
    asked.length = 0;
    expect(await some.first(groups, but(0))).toBe(1);
    expect(asked).toEqual([1]);
    await expect(some.first(groups, but(0, 1, 2))).rejects.toBe(away);
  });
});

describe('doAll', () => {
  it('throws when all are through, not before', async () => {
    let finish = (): void => {};
    const slow = new Promise<string>((resolve) => {
      finish = () => resolve('slow');
    });
    let threw = false;
    const all = doAll([Promise.reject(away), slow], (one) => one).catch(() => {
      threw = true;
    });
    await new Promise(setImmediate);
    expect(threw).toBe(false);
    finish();
    await all;
    expect(threw).toBe(true);
    expect(await doAll([1, 2], async (n) => n)).toEqual([1, 2]);
  });
});
