import type { InteractionToApply } from '../../ports.js';
import { isPairOf } from '../../trust/state.js';

/** The events of one pair in a call: the first of them, and which they are, in their order. */
export interface PairEvents {
  readonly first: InteractionToApply;
  readonly indexes: number[];
}

/**
 * Groups events by pair, in calls that are made one after the other: where two events claim one pair id for different
 * agents, the second opens a call of its own, and is judged by what the first has stored.
 */
export function groupByPair(events: readonly InteractionToApply[]): PairEvents[][] {
  const calls: PairEvents[][] = [];
  let groups: PairEvents[] = [];
  let known = new Map<string, Map<string, PairEvents>>();
  for (let i = 0; i < events.length; i++) {
    const event = events[i] as InteractionToApply;
    let ofTenant = known.get(event.tenant);
    if (ofTenant === undefined) {
      ofTenant = new Map();
      known.set(event.tenant, ofTenant);
    }
    const group = ofTenant.get(event.pairId);
    if (group !== undefined && isPairOf(group.first, event)) {
      group.indexes.push(i);
      continue;
    }
    if (group !== undefined) {
      calls.push(groups);
      groups = [];
      ofTenant = new Map();
      known = new Map([[event.tenant, ofTenant]]);
    }
    const opened = { first: event, indexes: [i] };
    groups.push(opened);
    ofTenant.set(event.pairId, opened);
  }
  if (groups.length > 0) calls.push(groups);
  return calls;
}
