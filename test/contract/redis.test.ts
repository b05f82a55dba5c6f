import { beforeAll } from 'vitest';
import type { TrustStore } from '../../src/ports.js';
import { packPair } from '../../src/store/packed.js';
import { ownBytes } from '../../src/store/redis/answers.js';
import type { Calls } from '../../src/store/redis/calls.js';
import { pairKey, shardOf } from '../../src/store/redis/layout.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/store.js';
import type { CircuitState } from '../../src/trust/circuit.js';
import type { Pair } from '../../src/trust/record.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';
import { startRedisCluster } from '../servers/redis-cluster.js';
import { describeParity } from './parity.js';
import { takeLuaNumbers } from './store/lua-numbers.js';
import type { StoreUnderTest } from './store/under-test.js';
import { describeTrustStore } from './store.js';

takeLuaNumbers();

let namespaces = 0;

/** An operator's hand: rewrites circuit and openedAt of a stored pair, and keeps all the rest. */
async function forceInRedis(
  store: RedisStore,
  ...[pairId, circuitState, openedAt]: [string, CircuitState, number | null]
): Promise<void> {
  const { client, layout } = (store as unknown as { calls: Calls }).calls;
  const pair = (await store.read('default', pairId)) as Pair;
  const state = { ...(pair.state as NonNullable<Pair['state']>), circuitState, openedAt };
  const bytes = packPair({ ...pair, state }, 0, ownBytes);
  await client.set(pairKey(layout, shardOf(layout, pairId), 'default', pairId), bytes);
}

/** Stores on one server, each test's in a namespace of its own. */
function under(name: string, url: () => string, shards: number): StoreUnderTest {
  const prefixOf = new WeakMap<object, string>();
  const open = async (prefix: string, settings: Partial<RedisStoreOptions> = {}): Promise<TrustStore> => {
    const store = await RedisStore.open({ url: url(), prefix, shards, ...settings });
    prefixOf.set(store, prefix);
    return store;
  };
  return {
    name,
    open: ({ replaySpan } = {}) => open(`t${++namespaces}`, replaySpan === undefined ? {} : { replaySpan }),
    reopen: async (store, { replaySpan } = {}) => {
      await store.close();
      return open(prefixOf.get(store) as string, replaySpan === undefined ? {} : { replaySpan });
    },
    hasClock: false,
    ...(shards > 1 ? { scattered: true, runs: 60 } : {}),
  };
}

describeWithServer('redis', 'one Redis', () => {
  let url = '';
  beforeAll(async () => {
    url = (await startRedis()).url;
  });

  // One shard, so that the outbox has one order, as the suite's model has.
  describeTrustStore(under('RedisStore', () => url, 1));

  describeParity({
    name: 'RedisStore',
    open: () => RedisStore.open({ url, prefix: `t${++namespaces}` }),
    force: (store, pairId, circuitState, openedAt) =>
      forceInRedis(store as RedisStore, pairId, circuitState, openedAt),
  });
});

describeWithServer(
  'redis',
  'three masters of a Redis Cluster',
  () => {
    let url = '';
    beforeAll(async () => {
      const { nodes } = await startRedisCluster({ masters: 3 });
      url = `redis+cluster://${nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`;
    });

    describeTrustStore(under('RedisStore', () => url, 16));
  },
  { own: true },
);
