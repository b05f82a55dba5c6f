import type { CommandToApply, Rejection } from '../ports.js';
import { makePairId } from '../trust/pair.js';
import { firstIssue, isRejection } from './envelope.js';
import {
  type DeliveredEvent,
  type EventLimits,
  openLimited,
  positionId,
  tenantOf,
  timeOf,
} from './interaction.js';
import { commandDataSchema, eventTypes } from './schemas.js';

/** An accepted command; policy and rules are the processor's to choose. */
export type AcceptedCommand = Omit<CommandToApply, 'policy' | 'rules' | 'nowMs'>;

/** An operator's command, checked whole, or the first reason why it is none. */
export function decodeCommand(event: DeliveredEvent, limits: EventLimits): AcceptedCommand | Rejection {
  const envelope = openLimited(event, limits, eventTypes.command);
  if (isRejection(envelope)) return envelope;
  const parsed = commandDataSchema.safeParse(envelope.data);
  if (!parsed.success) return firstIssue(parsed.error, envelope.dataPath);
  const { data } = parsed;
  const tenant = tenantOf(event, data.tenant, envelope.dataPath);
  if (typeof tenant !== 'string') return tenant;
  const time = timeOf(event, envelope, limits);
  if (typeof time !== 'number') return time;
  return {
    tenant,
    pairId: makePairId(data.agent_a, data.agent_b),
    agentA: data.agent_a,
    agentB: data.agent_b,
    action: data.action,
    time,
    actor: data.actor,
    reason: data.reason,
    eventId: envelope.id ?? positionId(event.position),
    traceparent: envelope.traceparent,
  };
}
