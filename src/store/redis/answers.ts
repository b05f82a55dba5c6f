/** What the scripts answer, as results of what they were asked for. */
import { FulcrumError } from '../../errors.js';
import type { ApplyResult, InteractionToApply } from '../../ports.js';
import type { Pair } from '../../trust/record.js';
import type { TrustState } from '../../trust/state.js';
import type { Transition } from '../../trust/transition.js';
import { unpackPair } from '../packed.js';
import { isCallId } from './batch.js';
import type { PairEvents } from './grouping.js';
import { unpackTransition } from './transition.js';

/** Bytes of a stored pair that only Redis has: until when it is kept, and 8 event ids of 6 bytes. */
export const ownBytes = 52;

const none: readonly Transition[] = Object.freeze([]);
const unseen: ApplyResult = Object.freeze({ kind: 'applied', state: null, transitions: none });

/** Puts what `apply.lua` answers to a call, see there, among the results of the batch. */
export function takeResults(
  answer: unknown,
  events: readonly InteractionToApply[],
  groups: readonly PairEvents[],
  results: ApplyResult[],
): void {
  const [others, kinds, changedBy, changes, states] = answer as [
    number[],
    Buffer,
    number[],
    Buffer[],
    Buffer[],
  ];
  const order: number[] = [];
  for (const { first, indexes } of groups)
    for (const index of indexes) {
      const state = states[order.length];
      order.push(index);
      results[index] =
        state === undefined
          ? unseen
          : { kind: 'applied', state: stateOf(first.pairId, state), transitions: none };
    }
  others.forEach((n, i) => {
    const index = order[n - 1] as number;
    const event = events[index] as InteractionToApply;
    results[index] = otherResult(String.fromCharCode(kinds[i] ?? 0), event, states[n - 1]);
  });
  changedBy.forEach((n, i) => {
    const index = order[n - 1] as number;
    const { tenant, pairId } = events[index] as InteractionToApply;
    const { transition } = unpackTransition(tenant, pairId, changes[i] as Buffer);
    const result = results[index] as Extract<ApplyResult, { kind: 'applied' }>;
    results[index] = { ...result, transitions: [...result.transitions, transition] };
  });
}

/** What became of an event that was not applied. */
function otherResult(kind: string, event: InteractionToApply, state: Buffer | undefined): ApplyResult {
  switch (kind) {
    case 'r':
      return { kind: 'repeat' };
    case 'd':
      return isCallId(event.duplicateKey) && state !== undefined
        ? { kind: 'applied', state: stateOf(event.pairId, state), transitions: none }
        : { kind: 'duplicate' };
    case 's':
      return { kind: 'superseded' };
    default:
      return rejectionOf(kind, event.pairId);
  }
}

export function rejectionOf(kind: string, pairId: string): Extract<ApplyResult, { kind: 'rejected' }> {
  return kind === 'c'
    ? { kind: 'rejected', reason: 'pair_id_collision', detail: `pair id ${pairId} belongs to other agents` }
    : {
        kind: 'rejected',
        reason: 'state_unreadable',
        detail: `what Redis holds under the name of pair ${pairId} is not a pair of this version`,
      };
}

/** A pair as it is stored. @throws FulcrumError `state_unreadable` */
export function pairOf(pairId: string, packed: Buffer): Pair {
  return unpackPair(pairId, packed, 0, ownBytes);
}

/** The same, or null where it cannot be read. */
export function readablePair(pairId: string, packed: Buffer): Pair | null {
  try {
    return pairOf(pairId, packed);
  } catch (error) {
    if (error instanceof FulcrumError && error.code === 'state_unreadable') return null;
    throw error;
  }
}

/** The state in a packed pair; null where it is empty. */
export function stateOf(pairId: string, packed: Buffer): TrustState | null {
  return packed.length === 0 ? null : pairOf(pairId, packed).state;
}
