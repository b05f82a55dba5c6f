import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import type { InteractionToApply } from '../../src/ports.js';
import { checkRedis } from '../../src/store/redis/check.js';
import { shardOf } from '../../src/store/redis/layout.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/store.js';
import { makePairId } from '../../src/trust/pair.js';
import {
  apply,
  at,
  collapse,
  command,
  dueBy,
  failure,
  kinds,
  outboxOf,
  start,
  success,
  withCooldown,
} from '../contract/store/given.js';
import { takeLuaNumbers } from '../contract/store/lua-numbers.js';
import { clusterRule } from '../helpers/acl.js';
import { describeWithServer } from '../servers/describe.js';
import type { RedisServer } from '../servers/redis.js';
import { type RedisCluster, startRedisCluster } from '../servers/redis-cluster.js';
import { until } from '../servers/until.js';
import { expectCountedOnce, Log, load, Troubles } from './redis-log.js';

takeLuaNumbers();

const shards = 16;
const layout = { prefix: 'ft', shards };
const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];
const keyOf = (shard: number): string => `ft:{${shard}}:outbox`;

/** A pair of a shard. */
function pairOf(shard: number, name = 'p'): { agentA: string; agentB: string } {
  for (let n = 0; ; n++) {
    const pair = { agentA: `${name}${n}`, agentB: 'hub' };
    if (shardOf(layout, makePairId(pair.agentA, pair.agentB)) === shard) return pair;
  }
}

describeWithServer(
  'redis',
  'RedisStore on three masters',
  () => {
    async function open(
      { nodes }: RedisCluster,
      options: { user?: string } & Partial<RedisStoreOptions> = {},
    ) {
      const { user = '', ...rest } = options;
      const told: string[] = [];
      const url = `redis+cluster://${user}${nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`;
      const store = await RedisStore.open({ url, onStatus: (line) => void told.push(line), ...rest });
      onTestFinished(() => store.close());
      return { store, told, url };
    }

    /** Shards of one master, and those of the others. */
    async function partsOf(cluster: RedisCluster, node: RedisServer) {
      const masters = await Promise.all(
        Array.from({ length: shards }, (_, shard) => cluster.masterOf(keyOf(shard))),
      );
      const own = masters.flatMap((master, shard) => (master === node ? [shard] : []));
      const others = masters.flatMap((master, shard) => (master === node ? [] : [shard]));
      return { own, others };
    }

    it('loses nothing and counts nothing twice while a slot moves under load, with the rights that are needed', async () => {
      const cluster = await startRedisCluster();
      for (const { url } of cluster.nodes) {
        const client = new Redis(url);
        await client.call('ACL', 'SETUSER', ...clusterRule('secret'));
        client.disconnect();
      }
      const { store, url } = await open(cluster, { user: 'fulcrum:secret@' });
      const rights = (await checkRedis({ url })).filter(({ what }) => what.endsWith('permissions'));
      expect(rights.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
      const from = await cluster.masterOf(keyOf(3));
      const to = cluster.nodes.find((node) => node !== from) as RedisServer;
      const other = pairOf(3, 'other');
      // Not of the load: a pair whose keys are all there, so that a script is sent after them with ASK.
      await apply(store, [collapse(start, other)]);
      await store.outbox.remove(await outboxOf(store));
      const log = new Log('log', 96);
      const { stop, troubles } = load(store, log);
      await until('the shard has pairs', async () => log.events.length > 192);
      let half = 0;
      await cluster.moveSlot(keyOf(3), to, async (left) => {
        half ||= Math.floor(left / 2);
        if (left === half) await troubles.met(/TRYAGAIN/);
        if (left > 0) return;
        expect(await store.read('default', makePairId(other.agentA, other.agentB))).toMatchObject({
          state: { interactionCount: 1 },
        });
        expect(await store.command(command('terminate', start + 1, other))).toMatchObject({
          state: { circuitState: 'TERMINATED' },
        });
      });
      const moved = log.events.length;
      await until('it goes on', async () => log.events.length > moved + 192);
      expect(new Set(await stop())).toEqual(new Set(['applied']));
      const terminated = (await outboxOf(store)).filter(
        ({ transition }) => transition.agentA === other.agentA,
      );
      expect(terminated.map(({ transition }) => transition.type)).toEqual(['terminated']);
      await store.outbox.remove(terminated);
      await expectCountedOnce(store, log);
    });

    it('waits for a master that died, and counts once what was under way', async () => {
      const cluster = await startRedisCluster({ args: durable });
      const { store } = await open(cluster);
      const logs = [new Log('log'), new Log('log:1')];
      const troubles = new Troubles();
      const loads = logs.map((log) => load(store, log, troubles));
      await until('there is load', async () => logs.every((log) => log.events.length > 192));
      const [node] = cluster.nodes as [RedisServer];
      await node.kill();
      await troubles.met(/CLUSTERDOWN/);
      await node.restart();
      const seen = logs.map((log) => log.events.length);
      await until('it goes on', async () => logs.every((log, i) => log.events.length > (seen[i] ?? 0) + 192));
      for (const { stop } of loads) await stop();
      await expectCountedOnce(store, ...logs);
    });

    it('leaves undone what lies in a shard that does not answer, and that alone', async () => {
      const cluster = await startRedisCluster({
        args: [...durable, '--cluster-require-full-coverage', 'no'],
      });
      const { store, told } = await open(cluster);
      const node = await cluster.masterOf(keyOf(0));
      const { own, others } = await partsOf(cluster, node);
      const [away, here] = [own[0] ?? 0, others[0] ?? 0];
      const events: InteractionToApply[] = [
        collapse(start, { ...pairOf(away), ...at(1), policy: 0 }),
        collapse(start, { ...pairOf(here), ...at(2), policy: 0 }),
        success(start + 1, { ...pairOf(away), ...at(3) }),
        // Another pair under the id of the last: a part of the batch of its own.
        failure(start + 1, { ...pairOf(here), ...at(4), agentB: 'stranger', pairId: idOf(here) }),
        failure(start + 2, { ...pairOf(away), ...at(5) }),
        success(start + 2, { ...pairOf(here), ...at(6) }),
      ];
      const options = { policies: [withCooldown] };
      await store.mark([{ source: 'log', acknowledged: 0, readTo: start }]);
      await node.kill();

      const results = await apply(store, events, options);
      expect(kinds(results)).toEqual(['failed', 'applied', 'failed', 'rejected', 'failed', 'applied']);
      expect(results[0]).toMatchObject({ error: { code: 'unavailable' } });
      const line = told.find((text) => text.includes('the other shards go on'));
      expect(line).toContain('does not answer');

      // What the others do for their shards goes on.
      expect((await outboxOf(store)).map(({ transition }) => transition.agentA)).toEqual([
        pairOf(here).agentA,
      ]);
      expect(await store.due(dueBy(start + 3_600))).toBe(1);
      await store.mark([{ source: 'log', acknowledged: 0, readTo: start + 5 }]);
      expect((await store.marks())[0]).toMatchObject({ readTo: start + 5 });

      await expect(apply(store, [events[0] as InteractionToApply], options)).rejects.toMatchObject({
        code: 'unavailable',
      });

      await node.restart();
      const undone = events.filter((_, i) => results[i]?.kind === 'failed');
      await until('the shard answers', async () => {
        const again = await apply(store, undone, options);
        return again.every(({ kind }) => kind === 'applied');
      });
      expect(kinds(await apply(store, events, options))).toEqual([
        ...['repeat', 'repeat', 'repeat', 'rejected', 'repeat', 'repeat'],
      ]);
      expect(await store.read('default', idOf(away))).toMatchObject({ state: { interactionCount: 3 } });
      await until('all is well again', async () => {
        await outboxOf(store);
        return told.includes('every shard answers again');
      });
    });

    it('says at the start that the cluster is down', async () => {
      const cluster = await startRedisCluster();
      const [node, ...rest] = cluster.nodes as [RedisServer, ...RedisServer[]];
      await node.kill();
      const client = new Redis(rest[0]?.url ?? '');
      onTestFinished(() => client.disconnect());
      await until('the others notice', async () =>
        String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:fail'),
      );
      await expect(open(cluster)).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('its cluster is down'),
      });
    });
  },
  { own: true },
);

function idOf(shard: number): string {
  const { agentA, agentB } = pairOf(shard);
  return makePairId(agentA, agentB);
}
