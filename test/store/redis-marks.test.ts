import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/store.js';
import { apply, at, kinds, start, success } from '../contract/store/given.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';

const mark = (acknowledged: number, source = 'log@1') => [{ source, acknowledged }];
const emptied = { code: 'mismatch', message: expect.stringMatching(/emptied.*rebuild.*--fresh/s) };

describeWithServer(
  'redis',
  'the marks of RedisStore',
  () => {
    async function given() {
      const server = await startRedis({ own: true });
      onTestFinished(() => server.stop());
      const redis = new Redis(server.url);
      redis.on('error', () => {});
      onTestFinished(() => redis.disconnect());
      const open = async (options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> => {
        const store = await RedisStore.open({ url: server.url, shards: 2, ...options });
        onTestFinished(() => store.close());
        return store;
      };
      /** Saves what is there; a restart begins with what was saved last. */
      const save = () => redis.save();
      const restart = async (): Promise<void> => {
        await server.kill();
        await server.restart();
        await redis.ping();
      };
      const shards = [0, 1].map((shard) => `ft:{${shard}}:mark`);
      const set = async (...fields: string[]): Promise<void> => {
        for (const key of shards) await redis.hset(key, ...fields);
      };
      return { redis, open, save, restart, set };
    }

    it('say after a restart what was marked before it, and change nothing until that is taken over', async () => {
      const { open, save, restart } = await given();
      const [store, other] = [await open(), await open()];
      expect(await store.mark([...mark(7), ...mark(3, 'commands@1')])).toBeNull();
      await save();
      expect(await store.mark(mark(9))).toBeNull();
      await restart();
      const before = Date.now() / 1_000;
      const tail = await store.mark(mark(12));
      expect(tail?.from).toEqual(
        new Map([
          ['log@1', 7],
          ['commands@1', 3],
        ]),
      );
      expect(tail?.since).toBeLessThan(before);
      expect(tail?.since).toBeGreaterThan(before - 60);
      expect(await other.mark(mark(12))).toMatchObject({ from: tail?.from });
      expect(await store.marks()).toContainEqual({ source: 'log@1', acknowledged: 7 });
      expect(tail && (await store.adopt(tail))).toBe(true);
      expect(await store.mark(mark(12))).toBeNull();
      expect(await store.marks()).toContainEqual({ source: 'log@1', acknowledged: 12 });
    });

    it('are not taken over where it was restarted once more', async () => {
      const { open, save, restart } = await given();
      const store = await open();
      await store.mark(mark(7));
      await save();
      await restart();
      const tail = await store.mark(mark(9));
      await restart();
      expect(tail && (await store.adopt(tail))).toBe(false);
      const again = await store.mark(mark(9));
      expect(again?.from).toEqual(new Map([['log@1', 7]]));
      expect(again && (await store.adopt(again))).toBe(true);
    });

    it('say what was acknowledged a minute ago to one who knew another server, when others have taken over', async () => {
      const { open, save, restart, set } = await given();
      const [store, late, fresh] = [await open(), await open(), await open()];
      const aMinuteAgo = Date.now() / 1_000 - 61;
      await store.mark(mark(100));
      await late.mark(mark(150));
      await set('then:log@1', '120', 'then_at', String(aMinuteAgo));
      await store.mark(mark(200));
      await save();
      await restart();
      const tail = await store.mark(mark(300));
      expect(tail?.from.get('log@1')).toBe(200);
      expect(tail && (await store.adopt(tail))).toBe(true);
      await store.mark(mark(300));
      const older = await late.mark(mark(300));
      expect(older).toEqual({ from: new Map([['log@1', 120]]), since: aMinuteAgo });
      expect(older && (await late.adopt(older))).toBe(true);
      expect(await late.mark(mark(301))).toBeNull();
      // Who applied nothing before has lost nothing.
      expect(await fresh.mark(mark(302))).toBeNull();
    });

    it('are first written where nothing is acknowledged, or where it is to begin afresh', async () => {
      const { open, redis } = await given();
      await (await open()).close();
      const store = await open({ create: false });
      await expect(store.mark(mark(1))).rejects.toMatchObject(emptied);
      expect(await redis.exists('ft:{0}:mark')).toBe(0);
      expect(await store.mark(mark(0))).toBeNull();
      await redis.del('ft:{1}:mark');
      // It has marked it itself: now it is gone, whatever is acknowledged.
      await expect(store.mark(mark(0))).rejects.toMatchObject(emptied);
      expect(await (await open()).mark(mark(5))).toBeNull();
    });

    it('forget a log that was made anew, once nobody has read the old one for an hour', async () => {
      const { open, redis, set } = await given();
      const store = await open();
      const old = [success(start, at(5, 'log@1')), success(start, at(6, 'other@1'))];
      await apply(store, old);
      await store.mark([...mark(5), ...mark(6, 'other@1')]);
      await store.mark(mark(1, 'log@2'));
      const ago = (seconds: number): string => String(Date.now() / 1_000 - seconds);
      const turn = () => set('then_at', ago(61));
      await set('seen_at:log@1', ago(3_500), 'seen_at:other@1', ago(7_000));
      await turn();
      await store.mark(mark(2, 'log@2'));
      expect(await store.marks()).toHaveLength(3);
      await set('seen_at:log@1', ago(3_601));
      await turn();
      await store.mark(mark(3, 'log@2'));
      expect(await store.marks()).toEqual([
        { source: 'other@1', acknowledged: 6 },
        { source: 'log@2', acknowledged: 3 },
      ]);
      expect(await redis.keys('*log@1*')).toEqual([]);
      expect(kinds(await apply(store, old))).toEqual(['applied', 'repeat']);
    });
  },
  { own: true },
);
