/** Requests for analyses and what comes of them, as events of one channel. */
import { createHash } from 'node:crypto';
import type { Rejection, SinkMessage, SourceMessage } from '../ports.js';
import type { PairNames } from '../trust/state.js';
import { cloudEvent } from './cloud-event.js';
import { type DeliveredEvent, type EventLimits, openEvent } from './delivered.js';
import { isRejection, openEnvelope } from './envelope.js';
import {
  type AnalysisCompletedEvent,
  type AnalysisData,
  analysisCompletedEventSchema,
  analysisRequestSchema,
  eventTypes,
} from './schemas.js';

/** An accepted request. */
export interface AnalysisRequest extends PairNames {
  readonly tenant: string;
  /** Null: the session that spoke last. */
  readonly session: string | null;
  readonly eventId: string;
  /** Seconds since the epoch. */
  readonly time: number;
}

const requested = { type: eventTypes.analysisRequested, schema: analysisRequestSchema };

/** A request, why it is none, or null for the result of one: both lie on the same subject. */
export function decodeAnalysisRequest(
  event: DeliveredEvent,
  limits: EventLimits,
): AnalysisRequest | Rejection | null {
  const opened = openEvent(event, limits, requested);
  if (isRejection(opened)) {
    if (opened.reason !== 'unsupported_type') return opened;
    return isRejection(openEnvelope(event, eventTypes.analysisCompleted)) ? opened : null;
  }
  const { tenant, pairId, agentA, agentB, eventId, time } = opened.common;
  return { tenant, pairId, agentA, agentB, eventId, time, session: opened.data.session_id ?? null };
}

/** The id of an analysis: the same one however often it is asked for by the same event. */
export function analysisId(tenant: string, pairId: string, askedBy: string): string {
  const digest = createHash('sha256').update(`${tenant}\n${pairId}\n${askedBy}`).digest('hex');
  return `analysis-${digest.slice(0, 32)}`;
}

/** A finished analysis as it is published. */
export function analysisMessage(data: AnalysisData): SinkMessage {
  const event: AnalysisCompletedEvent = cloudEvent({
    id: data.id,
    source: 'fulcrum-trust',
    type: eventTypes.analysisCompleted,
    time: data.at,
    data,
  });
  return {
    channel: 'analyses',
    id: data.id,
    tenant: data.tenant,
    key: data.pair_id,
    headers: { 'content-type': 'application/cloudevents+json' },
    body: Buffer.from(JSON.stringify(event)),
  };
}

/** The finished analysis in a message, null where it is none. */
export function analysisOf(message: Pick<SourceMessage, 'body'>): AnalysisData | null {
  try {
    return analysisCompletedEventSchema.parse(JSON.parse(Buffer.from(message.body).toString('utf8'))).data;
  } catch {
    return null;
  }
}
