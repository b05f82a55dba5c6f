/** What the tests of recovery are written with. */
import { systemTimers } from '../../src/clock.js';
import { circuitEvent } from '../../src/events/circuit.js';
import type { CircuitEvent } from '../../src/events/schemas.js';
import type { TrustStore } from '../../src/ports.js';
import { Handed } from '../../src/processor/handed.js';
import type { Work } from '../../src/processor/work.js';
import { MemorySink } from '../../src/streams/memory.js';
import type { Transition } from '../../src/trust/transition.js';
import { openedEntry } from '../helpers/transition.js';
import { policyBook, start } from '../processor/given.js';

/** The event of a circuit of ann and bob, unless it says otherwise. */
export function circuitOf(changes: Partial<Transition> = {}, tenant = 'default'): CircuitEvent {
  return circuitEvent(openedEntry(changes, { tenant }));
}

/** An operator's reset, as its circuit event tells of it. */
export function resetOf(
  eventId: string,
  occurredAt: number,
  changes: Partial<Transition> = {},
): CircuitEvent {
  const cause = { kind: 'operator', eventId, actor: 'alice', reason: '' } as const;
  return circuitOf({ type: 'reset', from: 'OPEN', to: 'CLOSED', occurredAt, cause, ...changes });
}

/** What loops over `store` share; whatever fails is not tried again. */
export function workOn(store: TrustStore): Work {
  const book = policyBook();
  return {
    store,
    deadLetters: new MemorySink(),
    policies: () => book,
    clock: () => start + 1_000,
    timers: systemTimers,
    limits: { maxEventBytes: 1_000, maxFutureSeconds: 300 },
    rules: { timedRecovery: true, streamed: true, publishes: false },
    maxBatch: 10,
    idleMs: 10,
    observer: {},
    shared: true,
    handed: new Handed(),
    tell: () => {},
    troubled: () => () => {},
    publish: async () => {},
    must: async (_what, work) => work(),
  };
}
