import type { OutboxEntry, SinkMessage, SourceMessage } from '../ports.js';
import type { Cause, Transition, TransitionType } from '../trust/transition.js';
import {
  type CircuitData,
  type CircuitEvent,
  circuitEventSchema,
  eventTypes,
  openingData,
} from './schemas.js';
import { formatTime } from './time.js';

const typeOf: Record<TransitionType, CircuitEvent['type']> = {
  opened: eventTypes.opened,
  half_opened: eventTypes.halfOpened,
  closed: eventTypes.closed,
  terminated: eventTypes.terminated,
  reset: eventTypes.reset,
};

/** The event of one transition: the same one, byte for byte, however often it is published. */
export function circuitEvent(entry: Omit<OutboxEntry, 'id'>): CircuitEvent {
  const { tenant, transition } = entry;
  return {
    specversion: '1.0',
    id: `${tenant}/${transition.pairId}/${transition.transition}`,
    source: 'fulcrum-trust',
    type: typeOf[transition.type],
    time: formatTime(transition.occurredAt),
    datacontenttype: 'application/json',
    ...(entry.traceparent === null ? {} : { traceparent: entry.traceparent }),
    data: circuitData(tenant, transition),
  };
}

export function circuitData(tenant: string, transition: Transition): CircuitData {
  return {
    tenant,
    pair_id: transition.pairId,
    agent_a: transition.agentA,
    agent_b: transition.agentB,
    from: transition.from,
    to: transition.to,
    trust_score: transition.trustScore,
    alpha: transition.alpha,
    beta: transition.beta,
    interaction_count: transition.interactionCount,
    threshold: transition.threshold,
    policy: transition.policy,
    transition: transition.transition,
    previous_transition: transition.previousTransition,
    occurred_at: transition.occurredAt,
    recovers_at: transition.recoversAt,
    cause: causeData(transition.cause),
    enforced: transition.enforced,
    ...openingData(transition.change),
  };
}

function causeData(cause: Cause): CircuitData['cause'] {
  switch (cause.kind) {
    case 'interaction':
      return { kind: cause.kind, event_id: cause.eventId, outcome: cause.outcome };
    case 'recovery':
      return { kind: cause.kind };
    case 'operator':
      return { kind: cause.kind, event_id: cause.eventId, actor: cause.actor, reason: cause.reason };
  }
}

export function circuitMessage(entry: OutboxEntry): SinkMessage {
  const event = circuitEvent(entry);
  return {
    channel: 'circuits',
    id: event.id,
    tenant: entry.tenant,
    key: entry.transition.pairId,
    headers: { 'content-type': 'application/cloudevents+json' },
    body: Buffer.from(JSON.stringify(event)),
  };
}

/** The circuit event in a message, null where it is none. */
export function circuitEventOf(message: SourceMessage): CircuitEvent | null {
  try {
    return circuitEventSchema.parse(JSON.parse(Buffer.from(message.body).toString('utf8')));
  } catch {
    return null;
  }
}
