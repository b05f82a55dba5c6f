/** What interactions and commands have in common: two agents, a tenant, a time, and an envelope to come in. */
import type { z } from 'zod';
import type { EventSource, Position, Rejection, SourceMessage } from '../ports.js';
import { makePairId } from '../trust/pair.js';
import type { PairNames } from '../trust/state.js';
import { bounded, type Envelope, firstIssue, isRejection, openEnvelope, reject } from './envelope.js';
import { defaultTenant, isTenant, tenantRule } from './schemas.js';

/** How large an event may be, and how far ahead of its broker. */
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

/** A message of a source, as an event that it delivers. */
export function deliveredEvent(
  source: Pick<EventSource, 'headerPrefix'>,
  message: SourceMessage,
): DeliveredEvent {
  // Field by field: a copy of all that a message may hold is made for every event.
  const { body, headers, tenant, position, receivedAt, original } = message;
  return {
    body,
    headers,
    tenant,
    position,
    receivedAt,
    headerPrefix: source.headerPrefix,
    ...(original === undefined ? undefined : { original }),
  };
}

/** An event that is checked whole. */
export interface OpenedEvent<D> {
  readonly data: D;
  /** What every such event says, whatever else is in its data. */
  readonly common: PairNames & {
    readonly tenant: string;
    /** Seconds since the epoch. */
    readonly time: number;
    readonly eventId: string;
    readonly traceparent: string | null;
  };
  /** The same for every copy that its producer sends; null where it has no id of its own. */
  readonly duplicateKey: string | null;
}

interface CommonData {
  readonly agent_a: string;
  readonly agent_b: string;
  readonly tenant?: string | undefined;
}

/** What is taken for one kind of event. */
export interface EventKind<D extends object> {
  readonly type: string;
  readonly schema: z.ZodType<D>;
  /** Whether data is of the schema, where that can be seen at a glance. */
  readonly isPlain?: (data: object) => data is D;
}

/** An event of a kind, or the first reason why it is none. */
export function openEvent<D extends CommonData>(
  event: DeliveredEvent,
  limits: EventLimits,
  kind: EventKind<D>,
): OpenedEvent<D> | Rejection {
  const envelope = openLimited(event, limits, kind.type);
  if (isRejection(envelope)) return envelope;
  const { data: given, dataPath } = envelope;
  let data: D;
  if (kind.isPlain?.(given)) data = given;
  else {
    const parsed = kind.schema.safeParse(given);
    if (!parsed.success) return firstIssue(parsed.error, dataPath);
    data = parsed.data;
  }
  const tenant = tenantOf(event, data.tenant, dataPath);
  if (typeof tenant !== 'string') return tenant;
  const time = timeOf(event, envelope, limits);
  if (typeof time !== 'number') return time;
  return {
    data,
    common: {
      tenant,
      pairId: makePairId(data.agent_a, data.agent_b),
      agentA: data.agent_a,
      agentB: data.agent_b,
      time,
      eventId: envelope.id ?? positionId(event.position),
      traceparent: envelope.traceparent,
    },
    duplicateKey: envelope.id === null ? null : `${envelope.source}\n${envelope.id}`,
  };
}

/** Names an event that has no id of its own by where it lies. */
export function positionId(position: Position): string {
  return `${position.source}/${position.sequence}`;
}

function openLimited(event: DeliveredEvent, limits: EventLimits, type: string): Envelope | Rejection {
  if (event.body.byteLength > limits.maxEventBytes)
    return reject(
      'too_large',
      '',
      `must have at most ${limits.maxEventBytes} bytes, has ${event.body.byteLength}`,
    );
  return openEnvelope(event, type);
}

function tenantOf(event: DeliveredEvent, named: string | undefined, dataPath: string): string | Rejection {
  if (event.tenant === null) return named ?? defaultTenant;
  // As for a name in the data that breaks the same rule. Nothing can match it: there is no mismatch to mend.
  if (!isTenant(event.tenant))
    return reject(
      'invalid_event',
      'subject',
      `names a tenant that ${tenantRule}, got ${quoted(event.tenant)}`,
    );
  if (named === undefined || named === event.tenant) return event.tenant;
  return reject('tenant_mismatch', `${dataPath}tenant`, `must be ${event.tenant}, the tenant of its subject`);
}

function quoted(name: string): string {
  return JSON.stringify(bounded(name, 64));
}

function timeOf(event: DeliveredEvent, envelope: Envelope, limits: EventLimits): number | Rejection {
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
