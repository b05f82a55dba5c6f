/** A mistake planted on a real Redis: the call is tried again after NOSCRIPT, and the script is not sent along. */
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { RedisStore } from '../../src/store/redis/store.js';
import { apply, at, readPair, start, success } from '../contract/store/given.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';

describeWithServer(
  'redis',
  'A Redis whose scripts are flushed',
  () => {
    let url = '';
    let redis: Redis;
    beforeAll(async () => {
      ({ url } = await startRedis());
      redis = new Redis(url);
      return () => redis.disconnect();
    });

    /** Sends events, each three times at most, and flushes all scripts before each; says how many were counted. */
    async function countedOf(events: number, prefix: string): Promise<number> {
      const store = await RedisStore.open({ url, prefix });
      onTestFinished(() => store.close());
      for (let sequence = 1; sequence <= events; sequence++)
        for (let attempt = 1; attempt <= 3; attempt++) {
          await redis.script('FLUSH');
          const done = await apply(store, [success(start, at(sequence))]).catch(() => null);
          if (done !== null) break;
        }
      return (await readPair(store))?.state?.interactionCount ?? 0;
    }

    it('counts every event', async () => {
      expect(await countedOf(4, 'sent-along')).toBe(4);
    });

    it('counts none where the script is not sent along, and that is seen', async () => {
      const { callBuffer } = Redis.prototype;
      const planted = vi.spyOn(Redis.prototype, 'callBuffer').mockImplementation(function (
        this: Redis,
        ...call
      ) {
        const [name, text, ...rest] = call as [string, string, ...string[]];
        if (name !== 'eval') return callBuffer.apply(this, call);
        return callBuffer.call(this, 'evalsha', createHash('sha1').update(text).digest('hex'), ...rest);
      });
      onTestFinished(() => planted.mockRestore());
      expect(await countedOf(4, 'not-sent')).toBe(0);
    });
  },
  { own: true },
);
