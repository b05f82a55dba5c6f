/** How a client reaches its fleet. */
import type { FulcrumError } from '../errors.js';
import type { Probes } from '../ports.js';
import type { CircuitChange, PairCircuit } from './circuit.js';
import type { Refused } from './outbox.js';
import type { Report } from './report.js';

export type WatchItem =
  | { readonly kind: 'change'; readonly change: CircuitChange }
  /** From now on what was told is all there is to know. `all`: the circuits that are not CLOSED, null: each was told. */
  | { readonly kind: 'known'; readonly all: readonly PairCircuit[] | null }
  /** Something that is no circuit event, and was skipped. */
  | { readonly kind: 'invalid' }
  /** Changes may go unheard from now on, until `known`. */
  | { readonly kind: 'disconnected'; readonly error: FulcrumError };

export interface Way {
  /** Resolves when the server has the reports, but for those that it refused for good. */
  send(batch: readonly Report[]): Promise<readonly Refused[]>;
  /** The circuits as they stand, then each change, until the signal aborts. Trouble is told and tried again. */
  watch(signal: AbortSignal): AsyncIterable<WatchItem>;
  /** Who may be the probe of a pair; null: nobody can say. */
  readonly probes: Probes | null;
  close(): Promise<void>;
}
