import type { CommandToApply, Rejection } from '../ports.js';
import { type DeliveredEvent, type EventLimits, openEvent } from './delivered.js';
import { isRejection } from './envelope.js';
import { commandDataSchema, eventTypes } from './schemas.js';

/** An accepted command; policy and rules are the processor's to choose. */
export type AcceptedCommand = Omit<CommandToApply, 'policy' | 'rules' | 'nowMs'>;

const kind = { type: eventTypes.command, schema: commandDataSchema };

/** An operator's command, checked whole, or the first reason why it is none. */
export function decodeCommand(event: DeliveredEvent, limits: EventLimits): AcceptedCommand | Rejection {
  const opened = openEvent(event, limits, kind);
  if (isRejection(opened)) return opened;
  const { data, common } = opened;
  return { ...common, action: data.action, actor: data.actor, reason: data.reason };
}
