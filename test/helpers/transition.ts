import type { OutboxEntry } from '../../src/ports.js';
import { makePairId } from '../../src/trust/pair.js';
import type { Transition } from '../../src/trust/transition.js';

/** A circuit that opened, as the outbox of a store holds it. */
export function openedEntry(
  changes: Partial<Transition> = {},
  entry: Partial<OutboxEntry> = {},
): OutboxEntry {
  const transition: Transition = {
    type: 'opened',
    pairId: makePairId('ann', 'bob'),
    agentA: 'ann',
    agentB: 'bob',
    from: 'CLOSED',
    to: 'OPEN',
    trustScore: 0.25,
    alpha: 1,
    beta: 3,
    interactionCount: 2,
    threshold: 0.3,
    policy: { name: 'default', version: 1 },
    enforced: true,
    transition: 1_700_000_000_123,
    previousTransition: 0,
    occurredAt: 1_700_000_000.5,
    recoversAt: 1_700_050_541.25,
    cause: { kind: 'interaction', eventId: 'e-2', outcome: 'failure' },
    ...changes,
  };
  return { id: '1', tenant: 'default', traceparent: null, ...entry, transition };
}
