import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { untilDone } from '../../src/retry.js';
import type { SessionOf, TranscriptBounds, TranscriptStore, TurnToKeep } from '../../src/rlm/ports.js';
import { RedisTranscripts } from '../../src/store/redis/transcripts.js';
import { MemoryTranscripts } from '../../src/store/transcripts/memory.js';
import { makePairId } from '../../src/trust/pair.js';
import { allOf, said } from '../contract/transcripts.js';
import { describeWithServer } from '../servers/describe.js';
import type { RedisServer } from '../servers/redis.js';
import { type RedisCluster, startRedisCluster } from '../servers/redis-cluster.js';
import { until } from '../servers/until.js';
import { Troubles } from './redis-log.js';

const now = 1_700_000_000;
const clock = () => now;
const bounds: TranscriptBounds = { bytesPerPair: 1e9, maxAgeSeconds: 1e6, bytesInTotal: 1e9 };
const shards = 16;
const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
const root = (shard: number): string => `ft:transcripts:{${shard}}:`;
const shardOf = (pairId: string): number => Number.parseInt(pairId.slice(0, 8), 16) % shards;

/** Conversations of many pairs, in all shards; each pair has two. */
const talks: readonly SessionOf[] = Array.from({ length: 96 }, (_, i) => ({
  tenant: 'default',
  pairId: makePairId('hub', `agent-${i >> 1}`),
  session: i % 2 === 0 ? 's' : 't',
}));

/** The n-th thing that is said anywhere; no two have one time. */
function turn(n: number, text = `turn ${n} ${'x'.repeat(n % 97)}`): TurnToKeep {
  return said(n, text, now - 50_000 + ((n * 7) % 100) + n / 1_000, talks[n % talks.length]);
}

/** Adds turns as an analyser does until it is told to stop: what fails is added again. */
function load(store: TranscriptStore, troubles = new Troubles()) {
  const weather = { failed: () => {}, recovered: () => {} };
  const { signal } = new AbortController();
  const add = (turns: readonly TurnToKeep[]) =>
    untilDone(
      'add',
      async () => {
        try {
          await store.add(turns);
        } catch (error) {
          troubles.note(error);
          throw error;
        }
      },
      signal,
      weather,
    );
  let goesOn = true;
  let added = 0;
  const run = async (): Promise<number> => {
    for (; goesOn; added += 64) {
      const turns = Array.from({ length: 64 }, (_, i) => turn(added + i));
      await add(turns);
    }
    return added;
  };
  const running = run();
  // Where the test has failed before, nobody waits for it.
  running.catch(() => {});
  return {
    troubles,
    added: () => added,
    /** How many turns were added. */
    stop: (): Promise<number> => {
      goesOn = false;
      return running;
    },
  };
}

/** What is kept of every conversation, and what is said of it. */
async function contentOf(store: TranscriptStore) {
  const content = [];
  for (const talk of talks) {
    const sessions = await store.sessions(talk.tenant, talk.pairId);
    content.push({ turns: await allOf(store, talk), sessions });
  }
  return content;
}

async function expectKeptOnce(store: TranscriptStore, turns: number): Promise<void> {
  const model = new MemoryTranscripts({ bounds, clock });
  model.add(Array.from({ length: turns }, (_, n) => turn(n)));
  expect(await contentOf(store)).toEqual(await contentOf(model));
}

/** Bytes that each shard counts in all, and those that it has. */
async function counted(cluster: RedisCluster, turns: number) {
  const has = Array.from({ length: shards }, () => 0);
  for (let n = 0; n < turns; n++) {
    const { pairId, turn: said } = turn(n);
    has[shardOf(pairId)] = (has[shardOf(pairId)] ?? 0) + Buffer.byteLength(said.text);
  }
  const counts = has.map(async (_, shard) => {
    const client = new Redis((await cluster.masterOf(`${root(shard)}sizes`)).url);
    const total = Number(await client.hget(`${root(shard)}sizes`, 'total'));
    client.disconnect();
    return total;
  });
  return { counts: await Promise.all(counts), has };
}

describeWithServer(
  'redis',
  'transcripts on three masters',
  () => {
    async function open({ nodes }: RedisCluster, own = bounds): Promise<RedisTranscripts> {
      const url = `redis+cluster://${nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`;
      const store = await RedisTranscripts.open({ url, shards, bounds: own, clock });
      onTestFinished(() => store.close());
      return store;
    }

    it('lie on all of them, and each part holds its share of the bound of all', async () => {
      const cluster = await startRedisCluster();
      const store = await open(cluster, { ...bounds, bytesInTotal: shards * 3_000 });
      const turns = Array.from({ length: 9_600 }, (_, n) => turn(n, `turn ${n}`.padEnd(60)));
      await store.add(turns);
      const own = { ...bounds, bytesInTotal: 3_000 };
      const models = Array.from({ length: shards }, () => new MemoryTranscripts({ bounds: own, clock }));
      const modelOf = (pairId: string) => models[shardOf(pairId)] as MemoryTranscripts;
      for (const one of turns) modelOf(one.pairId).add([one]);
      for (const talk of talks)
        expect(await allOf(store, talk)).toEqual(await allOf(modelOf(talk.pairId), talk));
      for (const { url } of cluster.nodes) {
        const client = new Redis(url);
        expect(await client.dbsize()).toBeGreaterThan(10);
        client.disconnect();
      }
    });

    it('are kept once and counted once while a slot moves under load', async () => {
      const cluster = await startRedisCluster();
      const store = await open(cluster);
      const from = await cluster.masterOf(`${root(3)}sizes`);
      const to = cluster.nodes.find((node) => node !== from) as RedisServer;
      const { stop, troubles, added } = load(store);
      await until('every conversation has begun', async () => added() > 10 * talks.length);
      let half = 0;
      await cluster.moveSlot(`${root(3)}sizes`, to, async (left) => {
        half ||= Math.floor(left / 2);
        if (left === half) await troubles.met(/TRYAGAIN/);
      });
      const moved = added();
      await until('it goes on', async () => added() > moved + 10 * talks.length);
      const turns = await stop();
      await expectKeptOnce(store, turns);
      const { counts, has } = await counted(cluster, turns);
      expect(counts).toEqual(has);
    });

    it('are not half kept where some keys of a pair have left with their slot, and others have not', async () => {
      const cluster = await startRedisCluster();
      const store = await open(cluster);
      const from = await cluster.masterOf(`${root(3)}sizes`);
      const to = cluster.nodes.find((node) => node !== from) as RedisServer;
      const [first, second] = talks.filter(({ pairId }) => shardOf(pairId) === 3) as [SessionOf, SessionOf];
      let turns = 0;
      const next = () => [first, second].map((of) => ({ ...turn(turns++), ...of }));
      const given = [next()];
      await store.add(given.flat());
      const troubles = new Troubles();
      await cluster.moveSlot(`${root(3)}sizes`, to, async () => {
        const more = next();
        given.push(more);
        await store.add(more).catch((error: unknown) => troubles.note(error));
        await Promise.resolve(store.sessions(first.tenant, first.pairId)).then(
          (sessions) => expect(sessions.map(({ session }) => session).sort()).toEqual(['s', 't']),
          (error: unknown) => troubles.note(error),
        );
      });
      expect(troubles.all.length).toBeGreaterThan(0);
      for (const more of given) await store.add(more);
      const model = new MemoryTranscripts({ bounds, clock });
      model.add(given.flat());
      expect(await contentOf(store)).toEqual(await contentOf(model));
      const client = new Redis(to.url);
      const bytes = given.flat().reduce((sum, { turn: { text } }) => sum + text.length, 0);
      expect(await client.hget(`${root(3)}sizes`, 'total')).toBe(String(bytes));
      client.disconnect();
    });

    it('wait for a master that died, and what was under way is kept once', async () => {
      const cluster = await startRedisCluster({ args: durable });
      const store = await open(cluster);
      const { stop, troubles, added } = load(store);
      await until('there is load', async () => added() > 10 * talks.length);
      const [node] = cluster.nodes as [RedisServer];
      await node.kill();
      await troubles.met(/unavailable|CLUSTERDOWN|does not answer|answers/);
      await node.restart();
      const before = added();
      await until('it goes on', async () => added() > before + 10 * talks.length);
      const turns = await stop();
      await expectKeptOnce(store, turns);
      const { counts, has } = await counted(cluster, turns);
      expect(counts).toEqual(has);
    });
  },
  { own: true },
);
