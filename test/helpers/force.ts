import type { TrustStore } from '../../src/ports.js';
import type { PairToKeep } from '../../src/store/engine.js';
import type { CircuitState } from '../../src/trust/circuit.js';
import type { Pair } from '../../src/trust/record.js';

/** An operator's hand in a store of this process: sets circuit and openedAt of a stored pair. */
export async function forcePair(
  store: TrustStore,
  pairId: string,
  circuitState: CircuitState,
  openedAt: number | null,
): Promise<void> {
  const pair = (await store.read('default', pairId)) as Pair;
  const state = Object.freeze({ ...(pair.state as NonNullable<Pair['state']>), circuitState, openedAt });
  const { ledger } = store as unknown as { ledger: { put(tenant: string, kept: PairToKeep): void } };
  ledger.put('default', { pair: { ...pair, state }, dueAt: null, expirySeconds: null });
}
