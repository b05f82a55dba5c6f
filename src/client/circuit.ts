/** Circuits as a client knows them. */
import type { PairView } from '../events/answers.js';
import { type CircuitEvent, eventTypes } from '../events/schemas.js';
import type { CircuitState } from '../trust/circuit.js';
import type { PairNames } from '../trust/state.js';
import type { Cause, TransitionType } from '../trust/transition.js';

/** The circuit of one pair, as it was last told. Times are seconds since the epoch. */
export interface PairCircuit extends PairNames {
  readonly tenant: string;
  readonly state: CircuitState;
  /** false: shadow mode, nobody has to stop. */
  readonly enforced: boolean;
  /** When it was last judged, in [0, 1]. */
  readonly trustScore: number;
  /** Below it the circuit opens. */
  readonly threshold: number;
  /** Number of its last change; only rises. */
  readonly transition: number;
  /** When it moves by itself if the pair stays silent; null: not by itself, or not known. */
  readonly recoversAt: number | null;
  /** Under `opening: change`: in words, what it was judged by when it was last told. */
  readonly explanation?: string;
}

/** A change of a circuit, as the client learnt of it. */
export interface CircuitChange extends PairCircuit {
  /** Where it moved to. */
  readonly type: TransitionType;
  /** The state before, as far as this client knew. */
  readonly from: CircuitState;
  /** Time of the event that moved it, seconds since the epoch; null where the client was told the state alone. */
  readonly occurredAt: number | null;
  /** null where the client was told the state and not what brought it about. */
  readonly cause: Cause | null;
}

const typeOf: Readonly<Record<CircuitEvent['type'], TransitionType>> = {
  [eventTypes.opened]: 'opened',
  [eventTypes.halfOpened]: 'half_opened',
  [eventTypes.closed]: 'closed',
  [eventTypes.terminated]: 'terminated',
  [eventTypes.reset]: 'reset',
};

export function changeOf({ type, data }: CircuitEvent): CircuitChange {
  return {
    type: typeOf[type],
    tenant: data.tenant,
    pairId: data.pair_id,
    agentA: data.agent_a,
    agentB: data.agent_b,
    from: data.from,
    state: data.to,
    enforced: data.enforced,
    trustScore: data.trust_score,
    threshold: data.threshold,
    transition: data.transition,
    recoversAt: data.recovers_at,
    occurredAt: data.occurred_at,
    ...(data.explanation === undefined ? {} : { explanation: data.explanation }),
    cause: causeOf(data.cause),
  };
}

function causeOf(cause: CircuitEvent['data']['cause']): Cause {
  switch (cause.kind) {
    case 'interaction':
      return { kind: cause.kind, eventId: cause.event_id, outcome: cause.outcome };
    case 'recovery':
      return cause;
    case 'operator':
      return { kind: cause.kind, eventId: cause.event_id, actor: cause.actor, reason: cause.reason };
  }
}

/** A circuit that the HTTP API lists. */
export function circuitOf(view: PairView): PairCircuit {
  return {
    tenant: view.tenant,
    pairId: view.pair_id,
    agentA: view.agent_a,
    agentB: view.agent_b,
    state: view.circuit_state,
    enforced: view.enforced,
    trustScore: view.trust_score,
    threshold: view.threshold,
    transition: view.transition,
    recoversAt: view.recovers_at,
    ...(view.explanation === undefined ? {} : { explanation: view.explanation }),
  };
}

/** The change that a state amounts to where nobody told the event. */
export const changeTo: Readonly<Record<CircuitState, TransitionType>> = {
  CLOSED: 'closed',
  OPEN: 'opened',
  HALF_OPEN: 'half_opened',
  TERMINATED: 'terminated',
};
