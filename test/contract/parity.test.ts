import type { TrustStore } from '../../src/ports.js';
import { EmbeddedStore } from '../../src/store/embedded/store.js';
import type { Ledger, PairToKeep } from '../../src/store/engine.js';
import { FileStore } from '../../src/store/file.js';
import { MemoryStore } from '../../src/store/memory.js';
import { freshPaths } from '../helpers/folders.js';
import { forcePair } from '../helpers/force.js';
import { describeParity, type StoreUnderParity } from './parity.js';

const freshPath = freshPaths();

// Every line of both files on every store: nothing is limited. Where a sync costs nothing it takes half a minute,
// most of it the FileStore's, which writes its whole file for each call.

describeParity({ name: 'MemoryStore', open: async () => new MemoryStore(), force: forcePair });

describeParity({
  name: 'EmbeddedStore',
  open: () => EmbeddedStore.open(freshPath()),
  force: forceThrough('transact'),
});

describeParity({
  name: 'FileStore',
  open: async () => new FileStore(freshPath()),
  force: forceThrough('change'),
});

/** The operator's hand in a store that gives each of its steps a ledger of its own. */
function forceThrough(step: 'transact' | 'change'): StoreUnderParity['force'] {
  return async (store, ...change) => {
    const steps = store as unknown as Record<typeof step, (work: (ledger: Ledger) => void) => unknown>;
    let done: unknown;
    const put = (tenant: string, kept: PairToKeep) => {
      done = steps[step]((ledger) => ledger.put(tenant, kept));
    };
    const reached = { read: store.read.bind(store), ledger: { put } };
    await forcePair(reached as unknown as TrustStore, ...change);
    await done;
  };
}
