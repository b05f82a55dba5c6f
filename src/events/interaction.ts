import type { InteractionToApply, Rejection } from '../ports.js';
import { type DeliveredEvent, type EventKind, type EventLimits, openEvent } from './delivered.js';
import { isRejection } from './envelope.js';
import { isPlainInteraction } from './plain.js';
import { defaultWeight, eventTypes, type InteractionData, interactionDataSchema } from './schemas.js';

/** An accepted interaction, under the first of a batch's policies until the processor has chosen one. */
export type AcceptedInteraction = InteractionToApply;

/** How an interaction event is known and checked. */
export const interactionKind: EventKind<InteractionData> = {
  type: eventTypes.interaction,
  schema: interactionDataSchema,
  isPlain: isPlainInteraction,
};

/** An interaction event, checked whole, or the first reason why it is none. */
export function decodeInteraction(
  event: DeliveredEvent,
  limits: EventLimits,
): AcceptedInteraction | Rejection {
  const opened = openEvent(event, limits, interactionKind);
  if (isRejection(opened)) return opened;
  const { data, common, duplicateKey } = opened;
  const { tenant, pairId, agentA, agentB, time, eventId, traceparent } = common;
  return {
    tenant,
    pairId,
    agentA,
    agentB,
    outcome: data.outcome,
    time,
    weight: data.weight ?? defaultWeight,
    eventId,
    duplicateKey,
    position: event.position,
    policy: 0,
    traceparent,
    probe: data.probe,
  };
}
