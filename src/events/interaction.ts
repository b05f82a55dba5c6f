import type { InteractionToApply, Position, Rejection, SourceMessage } from '../ports.js';
import { makePairId } from '../trust/pair.js';
import { type Envelope, firstIssue, isRejection, openEnvelope, reject } from './envelope.js';
import { defaultTenant, eventTypes, interactionDataSchema } from './schemas.js';

export interface EventLimits {
  /** Largest event, in bytes. @defaultValue 262144 */
  readonly maxEventBytes: number;
  /** How far an event's time may lie after the broker's stamp, in seconds. @defaultValue 300 */
  readonly maxFutureSeconds: number;
}

export const defaultLimits: EventLimits = { maxEventBytes: 256 * 1024, maxFutureSeconds: 300 };

/** An event as a source delivers it. */
export interface DeliveredEvent
  extends Pick<SourceMessage, 'body' | 'original' | 'headers' | 'tenant' | 'position' | 'receivedAt'> {
  readonly headerPrefix: 'ce-' | 'ce_';
}

/** An accepted interaction; its policy is the processor's to choose. */
export type AcceptedInteraction = Omit<InteractionToApply, 'policy'>;

/** An interaction event, checked whole, or the first reason why it is none. */
export function decodeInteraction(
  event: DeliveredEvent,
  limits: EventLimits,
): AcceptedInteraction | Rejection {
  const envelope = openLimited(event, limits, eventTypes.interaction);
  if (isRejection(envelope)) return envelope;
  const parsed = interactionDataSchema.safeParse(envelope.data);
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
    outcome: data.outcome,
    time,
    weight: data.weight,
    eventId: envelope.id ?? positionId(event.position),
    duplicateKey: envelope.id === null ? null : `${envelope.source}\n${envelope.id}`,
    position: event.position,
    traceparent: envelope.traceparent,
  };
}

/** Names an event that has no id of its own by where it lies. */
export function positionId(position: Position): string {
  return `${position.source}/${position.sequence}`;
}

export function openLimited(event: DeliveredEvent, limits: EventLimits, type: string): Envelope | Rejection {
  if (event.body.byteLength > limits.maxEventBytes)
    return reject(
      'too_large',
      '',
      `must have at most ${limits.maxEventBytes} bytes, has ${event.body.byteLength}`,
    );
  return openEnvelope(event, type);
}

export function tenantOf(
  event: DeliveredEvent,
  named: string | undefined,
  dataPath: string,
): string | Rejection {
  if (event.tenant === null) return named ?? defaultTenant;
  if (named === undefined || named === event.tenant) return event.tenant;
  return reject('tenant_mismatch', `${dataPath}tenant`, `must be ${event.tenant}, the tenant of its subject`);
}

export function timeOf(event: DeliveredEvent, envelope: Envelope, limits: EventLimits): number | Rejection {
  const time = envelope.time ?? event.receivedAt;
  if (time === null)
    return reject('invalid_event', 'time', 'is required: nothing else says when it happened');
  if (event.receivedAt !== null && time > event.receivedAt + limits.maxFutureSeconds)
    return reject(
      'time_in_future',
      'time',
      `must not lie more than ${limits.maxFutureSeconds} s after it was received`,
    );
  return time;
}
