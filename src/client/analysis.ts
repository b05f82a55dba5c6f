/** Asking for an analysis of a pair, and waiting for it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { analysisId, analysisOf, decodeAnalysisRequest } from '../events/analysis.js';
import { cloudEvent } from '../events/cloud-event.js';
import type { EventLimits } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import { type AnalysisData, eventTypes } from '../events/schemas.js';
import type { Broker, Rejection, SinkMessage } from '../ports.js';
import type { PairNames } from '../trust/state.js';
import { firstTold } from './first-told.js';

export interface AnalysisAsked {
  readonly tenant: string;
  readonly agent_a: string;
  readonly agent_b: string;
  /** @defaultValue the one that spoke last */
  readonly session_id?: string;
}

/** A request that is ready to be sent. */
export interface RequestToSend {
  /** Of the analysis that it leads to, the same for every copy of the request. */
  readonly analysisId: string;
  readonly tenant: string;
  readonly names: PairNames;
  readonly message: SinkMessage;
}

/** The request as an event, given an id and the time `now`, in seconds since the epoch. */
export function requestEvent(asked: AnalysisAsked, now: number): Buffer {
  const event = cloudEvent({
    id: randomUUID(),
    source: 'fulcrum-trust/operator',
    type: eventTypes.analysisRequested,
    time: now,
    data: asked,
  });
  return Buffer.from(JSON.stringify(event));
}

/** A request that is ready to be sent, or why it is none: bare JSON with an id, or a CloudEvent. */
export function requestToSend(body: Uint8Array, limits: EventLimits, now: number): RequestToSend | Rejection {
  const delivered = {
    body,
    headers: {},
    headerPrefix: 'ce-',
    tenant: null,
    position: { source: 'request', sequence: 0 },
    receivedAt: now,
  } as const;
  const request = decodeAnalysisRequest(delivered, limits);
  if (request === null)
    return { reason: 'unsupported_type', field: 'type', rule: `must be ${eventTypes.analysisRequested}` };
  if (isRejection(request)) return request;
  const { tenant, pairId, agentA, agentB, eventId } = request;
  return {
    analysisId: analysisId(tenant, pairId, eventId),
    tenant,
    names: { pairId, agentA, agentB },
    message: {
      channel: 'analyses',
      // The broker drops a repeat of one request, and no other's that has its id.
      id: `${tenant}/${pairId}/${eventId}`,
      tenant,
      key: pairId,
      headers: { 'content-type': 'application/json' },
      body,
    },
  };
}

/**
 * Sends a request and waits for its result. Null: none came in that time. The broker keeps the request, and an analyser
 * answers it when there is one.
 *
 * @param withinMs how long it is waited for
 */
export async function requestAnalysis(
  broker: Broker,
  request: RequestToSend,
  withinMs: number,
): Promise<AnalysisData | null> {
  const results = await broker.follow('analyses', 'now', request.tenant);
  const waited = new AbortController();
  try {
    await broker.sink.publish([request.message]);
    const result = firstTold(results, (message) => {
      const analysis = analysisOf(message);
      return analysis?.id === request.analysisId ? analysis : null;
    });
    // It is waited for below.
    result.catch(() => {});
    return await Promise.race([result, sleep(withinMs, null, { signal: waited.signal })]);
  } finally {
    waited.abort();
    await results.close();
  }
}
