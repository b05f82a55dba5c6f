import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { connectRedis, disconnect } from '../../src/store/redis/connection.js';
import { RedisStore } from '../../src/store/redis/store.js';
import { takeLuaNumbers } from '../contract/store/lua-numbers.js';
import { describeWithServer } from '../servers/describe.js';
import type { RedisServer } from '../servers/redis.js';
import { type RedisSentinel, startRedisSentinel } from '../servers/redis-sentinel.js';
import { until } from '../servers/until.js';
import { applyUntilDone, expectCountedOnce, Log, load } from './redis-log.js';

takeLuaNumbers();

describeWithServer(
  'redis',
  'RedisStore under Sentinel',
  () => {
    const password = 'p@ss/word:1';

    async function open({ sentinels, masterName }: RedisSentinel) {
      const told: string[] = [];
      const hosts = sentinels.map(({ host, port }) => `${host}:${port}`).join(',');
      const url = `redis+sentinel://:${encodeURIComponent(password)}@${hosts}/${masterName}`;
      const store = await RedisStore.open({ url, onStatus: (line) => void told.push(line) });
      onTestFinished(() => store.close());
      return { store, told };
    }

    async function ask<R>({ url }: RedisServer, work: (client: Redis) => Promise<R>): Promise<R> {
      const client = new Redis(url, { password });
      return work(client).finally(() => client.disconnect());
    }

    /** How many events a server has counted. */
    const appliedOn = (server: RedisServer): Promise<number> =>
      ask(server, async (client) => {
        const chunks = await client.keys('ft:*:seen:log:*');
        const counts = await Promise.all(chunks.map((chunk) => client.bitcount(chunk)));
        return counts.reduce((sum, count) => sum + count, 0);
      });

    it('comes back when it hears of a failover just while it asks who is the master', async () => {
      const { sentinels, masterName } = await startRedisSentinel({ password });
      const hosts = sentinels.map(({ host, port }) => `${host}:${port}`).join(',');
      const url = `redis+sentinel://:${encodeURIComponent(password)}@${hosts}/${masterName}`;
      const client = await connectRedis({ url }, () => {});
      onTestFinished(() => disconnect(client));
      // What the client's own listener to sentinels does then.
      const { connector } = client as unknown as { connector: { disconnect(): void } };
      const ended = new Promise<void>((resolve) => void client.once('end', resolve));
      client.once('connecting', () => connector.disconnect());
      client.disconnect(true);
      await ended;
      await until('it answers', async () => (await client.ping()) === 'PONG');
    });

    it('goes on with the new master after a failover, and a second reading loses nothing and counts nothing twice', async () => {
      const sentinel = await startRedisSentinel({ password });
      const { store, told } = await open(sentinel);
      const log = new Log('log');
      await applyUntilDone(store, log.next(200));
      await store.mark([{ source: 'log', acknowledged: 200 }]);
      const { stop } = load(store, log);
      const master = await sentinel.failover();
      const from = await appliedOn(master);
      // A sentinel leaves the old one a master for eight seconds and more: what it takes in that time is lost.
      await until('it goes on there', async () => (await appliedOn(master)) > from + 128, 5_000);
      expect(new Set(await stop()).has('failed')).toBe(false);

      // What the old master took and could not pass on is lost; the log has it still.
      const tail = await store.mark([{ source: 'log', acknowledged: 200 }]);
      expect(tail?.from).toEqual(new Map([['log', 200]]));
      const again = await applyUntilDone(store, log.events);
      expect(again.filter((kind) => kind === 'repeat').length).toBeGreaterThanOrEqual(200);
      await expectCountedOnce(store, log);
      expect(told.join('\n')).not.toContain(encodeURIComponent(password));
    });

    it('leaves a master that hangs, when there is another', async () => {
      const sentinel = await startRedisSentinel({ password });
      const { store } = await open(sentinel);
      const [master] = sentinel.nodes;
      const log = new Log('log');
      await applyUntilDone(store, log.next(200));
      await ask(master, async (client) => {
        await client.set('marker', '1');
        expect(await client.wait(1, 5_000)).toBe(1);
      });
      master.signal('SIGSTOP');
      await applyUntilDone(store, log.next(64));
      await expectCountedOnce(store, log);
      master.signal('SIGCONT');
    });
  },
  { own: true },
);
