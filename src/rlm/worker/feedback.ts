/** A verdict as an outcome: only where the config asks for it. */
import { cloudEvent } from '../../events/cloud-event.js';
import { eventTypes, type InteractionData } from '../../events/schemas.js';
import type { SinkMessage } from '../../ports.js';
import type { TrustOutcome } from '../../trust/outcome.js';
import type { AnalysisResult, Verdict } from '../result.js';
import type { Question } from './question.js';

export interface FeedbackOptions {
  /** Of the outcome, above 0, at most 100. */
  readonly weight: number;
}

/** CloudEvents source of the interactions that stand for verdicts. */
const source = 'rlm';
const suffix = '/outcome';

/** A loop counts as a failure, its absence as a success; what is not known counts as nothing. */
export function outcomeOf(verdict: Verdict): TrustOutcome | null {
  if (verdict === 'inconclusive') return null;
  return verdict === 'none' ? 'success' : 'failure';
}

/** The analysis whose outcome an event of this id would be, null where it can be none's. */
export function analysisBehind(eventId: string): string | null {
  return eventId.endsWith(suffix) ? eventId.slice(0, -suffix.length) : null;
}

/** The interaction that stands for a verdict: one id however often it is sent, so it counts once. Null: there is none. */
export function feedbackMessage(
  { tenant, pairId, agentA, agentB }: Question,
  {
    session,
    result,
    at,
  }: { readonly session: string | null; readonly result: AnalysisResult; readonly at: number },
  { weight }: FeedbackOptions,
): SinkMessage | null {
  const outcome = outcomeOf(result.verdict);
  if (outcome === null) return null;
  const id = result.id + suffix;
  const data: InteractionData = {
    tenant,
    agent_a: agentA,
    agent_b: agentB,
    outcome,
    ...(session === null ? {} : { session_id: session }),
    weight,
    attributes: { verdict: result.verdict },
  };
  const event = cloudEvent({ id, source, type: eventTypes.interaction, time: at, data });
  return {
    channel: 'interactions',
    id: `${tenant}/${source}/${id}`,
    tenant,
    key: pairId,
    headers: { 'content-type': 'application/cloudevents+json' },
    body: Buffer.from(JSON.stringify(event)),
  };
}
