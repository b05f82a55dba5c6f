import { decodeAnalysisRequest } from '../../events/analysis.js';
import { circuitEventOf } from '../../events/circuit.js';
import { deliveredEvent, type EventLimits } from '../../events/delivered.js';
import { isRejection } from '../../events/envelope.js';
import { eventTypes } from '../../events/schemas.js';
import type { EventSource, Rejection, SourceMessage } from '../../ports.js';
import type { PairNames } from '../../trust/state.js';

/** Why did this pair trip, or is it about to? */
export interface Question extends PairNames {
  readonly tenant: string;
  /** Null: the one in which the cause was said, else the one that spoke last. */
  readonly session: string | null;
  /** Id of the circuit event, or of the request. */
  readonly askedBy: string;
  /** The interaction that opened the circuit, and when that was, seconds since the epoch. */
  readonly cause: { readonly eventId: string; readonly at: number } | null;
}

/** What a circuit event asks: null where the circuit did not open, or the message is none. */
export function questionOfCircuit(message: SourceMessage): Question | null {
  const event = circuitEventOf(message);
  if (event === null || event.type !== eventTypes.opened) return null;
  const { tenant, pair_id, agent_a, agent_b, cause, occurred_at } = event.data;
  return {
    tenant,
    pairId: pair_id,
    agentA: agent_a,
    agentB: agent_b,
    session: null,
    askedBy: event.id,
    cause: cause.kind === 'interaction' ? { eventId: cause.event_id, at: occurred_at } : null,
  };
}

/** What a request asks: a rejection where it is none, null for the result of one. */
export function questionOfRequest(
  source: Pick<EventSource, 'headerPrefix'>,
  message: SourceMessage,
  limits: EventLimits,
): Question | Rejection | null {
  const request = decodeAnalysisRequest(deliveredEvent(source, message), limits);
  if (request === null || isRejection(request)) return request;
  const { tenant, pairId, agentA, agentB, session, eventId } = request;
  return { tenant, pairId, agentA, agentB, session, askedBy: eventId, cause: null };
}
