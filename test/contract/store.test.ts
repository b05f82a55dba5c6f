import { EmbeddedLogStore } from '../../src/store/embedded/log-store.js';
import { EmbeddedStore } from '../../src/store/embedded/store.js';
import { MemoryStore } from '../../src/store/memory.js';
import { freshPaths } from '../helpers/folders.js';
import { describeTrustStore } from './store.js';

describeTrustStore({
  name: 'MemoryStore',
  open: async (settings) => new MemoryStore(settings),
  lastApplied: (store, source) => (store as MemoryStore | EmbeddedStore).lastApplied(source),
  hasClock: true,
});

const freshPath = freshPaths();
const pathOf = new WeakMap<object, string>();

const openAt = async (path: string, settings = {}): Promise<EmbeddedStore> => {
  const store = await EmbeddedStore.open(path, settings);
  pathOf.set(store, path);
  return store;
};

describeTrustStore({
  name: 'EmbeddedStore',
  open: (settings) => openAt(freshPath(), settings),
  reopen: async (store, settings) => {
    await store.close();
    return openAt(pathOf.get(store) as string, settings);
  },
  lastApplied: (store, source) => (store as MemoryStore | EmbeddedStore).lastApplied(source),
  hasClock: true,
});

describeTrustStore({
  name: 'EmbeddedLogStore',
  open: (settings) => EmbeddedLogStore.open(freshPath(), settings),
  hasClock: true,
  runs: 20,
});
