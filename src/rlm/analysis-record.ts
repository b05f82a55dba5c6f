/** An analysis as it lies in a store and as it is shown: JSON, snake_case. */
import { z } from 'zod';
import { FulcrumError, messageOf } from '../errors.js';
import { pairViewSchema } from '../events/answers.js';
import { type AnalysisData, analysisDataSchema } from '../events/schemas.js';
import type { PairNames } from '../trust/state.js';
import type { AnalysisStore, StoredAnalysis } from './ports.js';
import { resultSchema } from './result.js';

/**
 * How long an analysis is kept after it was made, whatever becomes of the pair's state: a reset forgets the pair, and why
 * it tripped is asked after that too.
 */
export const analysisKeptSeconds = 30 * 86_400;

export const analysisRecordSchema = z.object({
  tenant: z.string(),
  pair_id: z.string(),
  session: z.string().nullable().describe('null: nothing that the pair said is kept'),
  at: z.number().describe('when it was made, seconds since the epoch'),
  asked_by: z.string().describe('id of the circuit event or of the request'),
  result: resultSchema,
});

export type AnalysisRecord = z.infer<typeof analysisRecordSchema>;

/** A pair and its last analysis, as the API and the command line show them. */
export const pairAnswerSchema = pairViewSchema.extend({
  analysis: analysisRecordSchema.nullable().default(null),
});

export type PairAnswer = z.infer<typeof pairAnswerSchema>;

/** The last analysis of a pair, as `GET /v1/analyses` answers. */
export const analysisAnswerSchema = z.object({ analysis: analysisDataSchema });
export type AnalysisAnswer = z.infer<typeof analysisAnswerSchema>;

/** What came of a request, as `POST /v1/analyses` answers. */
export const askedAnalysisSchema = z.object({
  id: z.string().describe('of the analysis'),
  analysis: analysisDataSchema.nullable().describe('null: it is not there yet'),
});
export type AskedAnalysis = z.infer<typeof askedAnalysisSchema>;

/** The last analysis as it is shown. One that cannot be read hides nothing else of its pair: it is null. */
export async function shownAnalysis(
  analyses: Pick<AnalysisStore, 'latest'>,
  tenant: string,
  pairId: string,
): Promise<AnalysisRecord | null> {
  try {
    const analysis = await analyses.latest(tenant, pairId);
    return analysis === null ? null : analysisRecord(analysis);
  } catch (error) {
    if (error instanceof FulcrumError && error.code === 'state_unreadable') return null;
    throw error;
  }
}

/** As it is written and shown. */
export function analysisRecord(analysis: StoredAnalysis): AnalysisRecord {
  const { tenant, pairId, session, at, askedBy, result } = analysis;
  return { tenant, pair_id: pairId, session, at, asked_by: askedBy, result };
}

/** With the names of its pair, as events and answers have it. */
export function analysisData(
  { tenant, pairId, session, at, askedBy, result }: StoredAnalysis,
  { agentA, agentB }: Pick<PairNames, 'agentA' | 'agentB'>,
): AnalysisData {
  return {
    ...result,
    tenant,
    pair_id: pairId,
    agent_a: agentA,
    agent_b: agentB,
    session_id: session,
    asked_by: askedBy,
    at,
  };
}

/** @throws FulcrumError `state_unreadable` naming where it lies and the rule that it breaks */
export function readAnalysis(json: string, where: string): StoredAnalysis {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw unreadable(where, `it is no JSON: ${messageOf(cause)}`, cause);
  }
  const parsed = analysisRecordSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw unreadable(where, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, parsed.error);
  }
  const { tenant, pair_id: pairId, session, at, asked_by: askedBy, result } = parsed.data;
  return { tenant, pairId, session, at, askedBy, result };
}

export function unreadable(where: string, why: string, cause?: unknown): FulcrumError {
  return new FulcrumError('state_unreadable', `${where} holds no analysis that can be read: ${why}`, {
    cause,
  });
}
