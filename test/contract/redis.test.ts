import { describe, expect } from 'vitest';
import { RedisStore } from '../../src/store/redis/store.js';
import { describeTrustStore } from './store.js';

const url = process.env['FULCRUM_TEST_REDIS_URL'] ?? '';

/** Powers and logarithms of Lua and of JavaScript may differ in their last bits. */
expect.addEqualityTesters([
  (a: unknown, b: unknown) => {
    if (typeof a !== 'number' || typeof b !== 'number' || Object.is(a, b)) return undefined;
    const size = Math.max(1, Math.abs(a), Math.abs(b));
    return Math.abs(a - b) <= (size > 1e8 ? 1e-15 : 1e-12) * size ? true : undefined;
  },
]);

let namespaces = 0;
const prefixOf = new WeakMap<object, string>();

async function openAt(prefix: string, settings: { readonly replaySpan?: number } = {}): Promise<RedisStore> {
  const store = await RedisStore.open({ url, prefix, shards: 1, ...settings });
  prefixOf.set(store, prefix);
  return store;
}

describe.skipIf(url === '')('shared', () =>
  describeTrustStore({
    name: 'RedisStore',
    open: (settings) => openAt(`ft-${process.pid}-${++namespaces}`, settings),
    reopen: async (store, settings) => {
      await store.close();
      return openAt(prefixOf.get(store) as string, settings);
    },
    hasClock: false,
  }),
);
