import { FulcrumError } from '../errors.js';
import type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  Awaitable,
  CommandResult,
  CommandToApply,
  TrustStore,
} from '../ports.js';
import { type Pair, unknownPair } from '../trust/record.js';
import type { TrustState } from '../trust/state.js';
import { announceIn, applyBatch, applyCommandTo, type Ledger } from './engine.js';

/** The least that a store has to do: a table of states, kept whole, with an atomic exchange. */
export interface SimpleStore {
  /** The state of a pair, or null. */
  get(pairId: string): Awaitable<TrustState | null>;
  /**
   * Replaces the state when it is still `expected` (by `lastUpdated` and `interactionCount`, or null for none)
   * and says whether it did. `next` null removes it.
   */
  compareAndSet(pairId: string, expected: TrustState | null, next: TrustState | null): Awaitable<boolean>;
  /** Lets go of what it holds. */
  close?(): Awaitable<void>;
}

const mostAttempts = 100;

/** Makes a store for `TrustManager` of a simple one. It has no outbox, no positions and no timed recovery. */
export function liftStore(simple: SimpleStore): TrustStore {
  let keepsChange = false;
  /** A table that drops what is known of a change would never open a circuit under `opening: change`. */
  async function checkKept(pairId: string, { change }: TrustState): Promise<void> {
    if (keepsChange || change === undefined) return;
    const kept = await simple.get(pairId);
    if (kept !== null && kept.change === undefined)
      throw new FulcrumError(
        'usage',
        `opening must be mean with a store that does not keep states whole, got "change": pair ${pairId} came back ` +
          'without its field change',
      );
    keepsChange = true;
  }
  async function exchange<R>(pairId: string, step: (ledger: Ledger) => R): Promise<R> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const before = await simple.get(pairId);
      let after = before;
      const result = step(ledgerOver(pairOf(before), (pair) => (after = pair?.state ?? null)));
      if (after !== before && !(await simple.compareAndSet(pairId, before, after))) continue;
      if (after !== null) await checkKept(pairId, after);
      return result;
    }
    throw new FulcrumError(
      'conflict',
      `compareAndSet refused pair ${pairId} ${mostAttempts} times in a row: somebody else keeps changing it`,
    );
  }
  return {
    async apply(batch: ApplyBatch): Promise<readonly ApplyResult[]> {
      const results: ApplyResult[] = [];
      for (const event of batch.events) {
        const one = { ...batch, events: [event] };
        results.push(...(await exchange(event.pairId, (ledger) => applyBatch(ledger, one))));
      }
      return results;
    },
    command: (command: CommandToApply): Promise<CommandResult> =>
      exchange(command.pairId, (ledger) => applyCommandTo(ledger, command)),
    read: async (_tenant, pairId) => pairOf(await simple.get(pairId)),
    announce: (request: AnnounceRequest): Promise<AnnounceResult> =>
      exchange(request.pairId, (ledger) => announceIn(ledger, request)),
    due: () => 0,
    async *circuits() {},
    outbox: { read: () => [], remove: (entries) => entries },
    mark: () => null,
    close: () => simple.close?.(),
  };
}

function pairOf(state: TrustState | null): Pair | null {
  return state === null ? null : { ...unknownPair(state), state, transition: state.transition };
}

function ledgerOver(pair: Pair | null, keep: (pair: Pair | null) => void): Ledger {
  const refuse = (): never => {
    throw new FulcrumError(
      'usage',
      'a simple store serves TrustManager only: it has no outbox and no positions',
    );
  };
  return {
    get: () => pair,
    put: (_tenant, kept) => keep(kept.pair),
    delete: () => keep(null),
    appendOutbox: refuse,
    isApplied: refuse,
    setApplied: refuse,
    isDuplicate: refuse,
    setDuplicate: refuse,
    duePairs: () => [],
  };
}
