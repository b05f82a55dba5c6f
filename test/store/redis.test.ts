import { Redis } from 'ioredis';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TrustManager } from '../../src/manager.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/store.js';
import { PolicyBook } from '../../src/trust/policies.js';
import {
  apply,
  at,
  collapse,
  command,
  kinds,
  outboxOf,
  readPair,
  start,
  success,
} from '../contract/store/given.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';

describeWithServer(
  'redis',
  'RedisStore',
  () => {
    let url = '';
    let redis: Redis;
    let namespaces = 0;
    beforeAll(async () => {
      ({ url } = await startRedis({ args: ['--maxmemory-policy', 'noeviction'] }));
      redis = new Redis(url);
      return () => redis.disconnect();
    });

    async function open(
      options: Partial<RedisStoreOptions> = {},
    ): Promise<{ store: RedisStore; prefix: string }> {
      const prefix = options.prefix ?? `s${++namespaces}`;
      const store = await RedisStore.open({ url, prefix, ...options });
      onTestFinished(() => store.close());
      return { store, prefix };
    }

    async function pairKeyOf(prefix: string): Promise<string> {
      const [key] = await redis.keys(`${prefix}:*:pair:*`);
      return key ?? '';
    }

    describe('of a process that goes', () => {
      it('forgets a source whole, and no other that is named like it', async () => {
        const { store, prefix } = await open({ shards: 4, replaySpan: 10 });
        const agents = ['c', 'd', 'e', 'f', 'g', 'h'];
        // More than its mark knows of, in the chunk behind it.
        const events = [1, 65_536, 65_537, 131_072].flatMap((sequence, i) =>
          agents.map((agentA, j) => success(start, { ...at(sequence + j, 'gone'), agentA: `${agentA}${i}` })),
        );
        await apply(store, events);
        await apply(store, [success(start, at(1, 'gone-not'))]);
        await store.mark([
          { source: 'gone', acknowledged: 65_000, readTo: start },
          { source: 'gone-not', acknowledged: 1, readTo: start },
        ]);
        await store.forget('gone');
        expect((await redis.keys(`${prefix}:*gone*`)).every((key) => key.includes(':gone-not'))).toBe(true);
        expect(await store.marks()).toEqual([{ source: 'gone-not', acknowledged: 1, readTo: start }]);
        expect(kinds(await apply(store, [success(start, at(1, 'gone-not'))]))).toEqual(['repeat']);
      });

      it('says whether this process publishes, which is so until it closes', async () => {
        const { store, prefix } = await open({ shards: 2 });
        const { store: other } = await open({ prefix });
        expect([await store.leads(), await store.leads(), await other.leads()]).toEqual([true, true, false]);
        await store.close();
        expect(await other.leads()).toBe(true);
      });
    });

    describe('in bad weather', () => {
      it('makes one rejection of a pair under whose name something else lies', async () => {
        const { store, prefix } = await open();
        await apply(store, [success(start)]);
        const key = await pairKeyOf(prefix);
        await redis.del(key);
        await redis.rpush(key, 'planted');
        const events = [success(start, at(1)), success(start, { ...at(2), agentA: 'c' })];
        expect(await apply(store, events)).toMatchObject([
          { kind: 'rejected', reason: 'state_unreadable' },
          { kind: 'applied' },
        ]);
        await expect(readPair(store)).rejects.toMatchObject({ code: 'state_unreadable' });
        expect(await redis.lrange(key, 0, -1)).toEqual(['planted']);
        await redis.del(key);
        // Its position was not taken as applied.
        expect(kinds(await apply(store, events))).toEqual(['applied', 'repeat']);
      });

      it.each([
        ['of another version', Buffer.alloc(80, 9)],
        ['cut short', Buffer.from([1, 1, 0, 0])],
      ])('rejects a pair that is %s, and leaves it as it is', async (_, bytes) => {
        const { store, prefix } = await open();
        await apply(store, [success(start)]);
        const key = await pairKeyOf(prefix);
        await redis.set(key, bytes);
        expect(await apply(store, [success(start)])).toMatchObject([
          { kind: 'rejected', reason: 'state_unreadable' },
        ]);
        expect(await store.command(command('reset', start))).toMatchObject({ reason: 'state_unreadable' });
        expect(await redis.getBuffer(key)).toEqual(bytes);
      });

      it('goes on when the scripts were flushed', async () => {
        const { store } = await open();
        await redis.script('FLUSH');
        expect(kinds(await apply(store, [success(start)]))).toEqual(['applied']);
        await redis.script('FLUSH');
        expect((await apply(store, [success(start)]))[0]).toMatchObject({ state: { interactionCount: 2 } });
      });

      const troubles = {
        'has no room': ['CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0', /OOM/],
        'is a replica': ['REPLICAOF 127.0.0.1 1', 'REPLICAOF NO ONE', /READONLY|loading|MASTERDOWN/i],
        'cannot persist': [
          'CONFIG SET min-replicas-to-write 1',
          'CONFIG SET min-replicas-to-write 0',
          /NOREPLICAS/,
        ],
      } as const;

      it.each(Object.entries(troubles))(
        'changes nothing while Redis %s',
        async (_, [begin, end, message]) => {
          const { store } = await open();
          await apply(store, [success(start, at(1))]);
          const run = (line: string) => redis.call(...(line.split(' ') as [string, ...string[]]));
          await run(begin);
          const events = [collapse(start + 1, at(2)), collapse(start, { ...at(3), agentA: 'new' })];
          try {
            await expect(apply(store, events)).rejects.toMatchObject({ code: 'unavailable', message });
            await expect(async () => store.command(command('terminate', start))).rejects.toMatchObject({
              code: 'unavailable',
            });
          } finally {
            await run(end);
          }
          expect((await readPair(store))?.state?.interactionCount).toBe(1);
          expect(await outboxOf(store)).toEqual([]);
          expect(kinds(await apply(store, events))).toEqual(['applied', 'applied']);
        },
      );
    });

    describe('refuses', () => {
      it('nobody listening, in one sentence', async () => {
        const refused = RedisStore.open({ url: 'redis://user:secret@127.0.0.1:1' });
        await expect(refused).rejects.toMatchObject({
          code: 'unavailable',
          message: expect.stringMatching(/^redis:\/\/127\.0\.0\.1:1 does not answer: .*ECONNREFUSED/),
        });
      });

      it('a wrong password, without telling it', async () => {
        const { url: guarded } = await startRedis({ args: ['--requirepass', 'right'] });
        const withPassword = (password: string) => guarded.replace('://', `://default:${password}@`);
        const refused = await RedisStore.open({ url: withPassword('wrong') }).catch(
          (error: unknown) => error,
        );
        expect(refused).toMatchObject({ code: 'denied' });
        expect(String(refused)).not.toContain('wrong@');
        const store = await RedisStore.open({ url: withPassword('right') });
        await store.close();
      });

      it('a layout of another number of shards', async () => {
        const { prefix } = await open({ shards: 4 });
        await expect(RedisStore.open({ url, prefix, shards: 8 })).rejects.toMatchObject({
          code: 'mismatch',
          message: expect.stringContaining('4 shards, and the config says 8'),
        });
        await expect(open({ prefix })).resolves.toBeDefined();
      });

      it('a layout of another version', async () => {
        await redis.hset('other:meta', { layout: 9, shards: 16 });
        await expect(RedisStore.open({ url, prefix: 'other' })).rejects.toMatchObject({ code: 'mismatch' });
      });

      it('an emptied Redis, where state has to be', async () => {
        await expect(RedisStore.open({ url, prefix: 'gone', create: false })).rejects.toMatchObject({
          code: 'mismatch',
          message: expect.stringMatching(/rebuild.*--fresh/),
        });
        expect(await redis.exists('gone:meta')).toBe(0);
      });

      it.each(['http://x', 'redis://', 'redis+sentinel://h:26379', 'redis://h:6379/name', 'redis://h:99999'])(
        'the URL %s',
        async (wrong) => {
          await expect(RedisStore.open({ url: wrong })).rejects.toMatchObject({ code: 'config' });
        },
      );
    });

    describe('under a TrustManager', () => {
      it('counts what processes do at the same time', async () => {
        const { prefix } = await open();
        const managers = await Promise.all(
          [1, 2, 3].map(async () => new TrustManager({ store: (await open({ prefix })).store })),
        );
        await Promise.all(
          managers.flatMap((manager) =>
            Array.from({ length: 50 }, () => manager.evaluate('a', 'b', 'success')),
          ),
        );
        expect((await managers[0]?.getState('a', 'b'))?.interactionCount).toBe(150);
      });

      it('keeps to itself until a processor works here, then writes its outbox', async () => {
        const { store } = await open();
        const alone = new TrustManager({ store });
        for (let i = 0; i < 3; i++) await alone.evaluate('a', 'b', 'failure');
        expect(await outboxOf(store)).toEqual([]);
        await store.register(true);
        const later = new TrustManager({ store: (await open({ prefix: `s${namespaces}` })).store });
        for (let i = 0; i < 3; i++) await later.evaluate('c', 'd', 'failure');
        expect((await outboxOf(store)).map(({ transition }) => transition.type)).toEqual(['opened']);
      });

      it('refuses a config that is not the policy of the fleet', async () => {
        const { store } = await open();
        await store.policies.write({ version: 1, default: { threshold: 0.4 }, policies: [] });
        await store.register(true);
        const { store: own } = await open({ prefix: `s${namespaces}` });
        await expect(new TrustManager({ store: own }).evaluate('a', 'b', 'success')).rejects.toMatchObject({
          code: 'mismatch',
          message: expect.stringContaining('threshold is 0.3 here and 0.4 there'),
        });
        const same = new TrustManager({ store: own, config: { threshold: 0.4 } });
        expect((await same.evaluate('a', 'b', 'success')).alpha).toBe(2);
      });
    });

    it('lets a pair expire once its evidence tells nothing, and no other', async () => {
      const { store, prefix } = await open();
      await apply(store, [success(start)]);
      const key = await pairKeyOf(prefix);
      const thirtyHalvings = 30 * 86_400;
      // log2(1e9) half-lives, and two percent more.
      expect(await redis.ttl(key)).toBeGreaterThanOrEqual(thirtyHalvings - 10_000);
      expect(await redis.ttl(key)).toBeLessThanOrEqual(thirtyHalvings * 1.02);
      await apply(store, [collapse(start + 1)]);
      expect(await redis.ttl(key)).toBe(-1);
    });

    it('sets the expiry anew only when it would come too early', async () => {
      const { store, prefix } = await open();
      await apply(store, [success(start)]);
      const key = await pairKeyOf(prefix);
      // Twice the evidence needs a half-life more.
      await apply(store, [success(start + 1)]);
      const afterTwo = await redis.ttl(key);
      expect(afterTwo).toBeGreaterThan(30.5 * 86_400);
      await redis.expire(key, 1_000);
      await apply(store, [success(start + 2, { weight: 1e-9 })]);
      expect(await redis.ttl(key)).toBeLessThanOrEqual(1_000);
      await apply(store, [success(start + 3)], { nowMs: (start + 86_400) * 1_000 });
      expect(await redis.ttl(key)).toBeGreaterThanOrEqual(afterTwo);
    });

    it('forgets a source that comes no more, and nothing else', async () => {
      const { store, prefix } = await open({ replaySpan: 100_000, shards: 2 });
      const gone = ['log@1', 'log@2'].flatMap((source) =>
        [1, 70_000, 250_000, 320_000].map((sequence) => success(start, { ...at(sequence, source) })),
      );
      await apply(store, gone);
      const marks = ['log@1', 'log@2'].map((source) => ({ source, acknowledged: 250_000, readTo: start }));
      await store.mark(marks);
      await store.forget('log@1');
      await store.forget('never seen');
      expect(await store.marks()).toEqual([marks[1]]);
      const keys = await redis.keys(`${prefix}:*`);
      expect(keys.filter((key) => key.includes('log@1'))).toEqual([]);
      expect(keys.filter((key) => key.includes('log@2')).length).toBeGreaterThan(2);
      expect(kinds(await apply(store, gone))).toEqual([
        ...['applied', 'applied', 'applied', 'applied'],
        ...['repeat', 'repeat', 'repeat', 'repeat'],
      ]);
    });

    it('shares its policies, the newest document for all', async () => {
      const { store } = await open();
      expect(await store.policies.read()).toBeNull();
      const document = { version: 5, default: { halfLifeSeconds: Number.POSITIVE_INFINITY }, policies: [] };
      await store.policies.write(document);
      await store.policies.write({ version: 4, default: {}, policies: [] });
      const read = await store.policies.read();
      expect(read?.version).toBe(5);
      expect(read?.book).toBeInstanceOf(PolicyBook);
      expect(read?.book.policyOf('t', 'a', 'b').config.halfLifeSeconds).toBe(Number.POSITIVE_INFINITY);
    });
  },
  { own: true },
);
