import { z } from 'zod';
import { circuitStates } from '../trust/circuit.js';
import { TrustEvaluator } from '../trust/evaluator.js';
import { recoversAt } from '../trust/forecast.js';
import type { Policy } from '../trust/policy.js';
import type { TrustState } from '../trust/state.js';
import { changeTold } from '../trust/transition.js';
import { circuitEventSchema, openingData, openingFields } from './schemas.js';

/** A pair as the API and the command line show it: what is stored, and what follows from it now. */
export const pairViewSchema = z.object({
  tenant: z.string(),
  pair_id: z.string(),
  agent_a: z.string(),
  agent_b: z.string(),
  circuit_state: z.enum(circuitStates),
  trust_score: z.number().describe('as stored'),
  trust_score_now: z.number().describe('decayed to now'),
  should_terminate: z.boolean(),
  alpha: z.number(),
  beta: z.number(),
  last_updated: z.number().describe('seconds since the epoch'),
  interaction_count: z.int(),
  opened_at: z.number().nullable(),
  recovers_at: z.number().nullable().describe('when the circuit moves by itself if the pair stays silent'),
  transition: z.int(),
  policy: z.object({ name: z.string(), version: z.int() }),
  enforced: z.boolean(),
  ...openingFields,
});

export type PairView = z.infer<typeof pairViewSchema>;

export const circuitsAnswerSchema = z.object({ circuits: z.array(pairViewSchema) });

export const publishAnswerSchema = z.object({
  accepted: z.int(),
  rejected: z.array(z.object({ index: z.int(), reason: z.string(), field: z.string(), rule: z.string() })),
});

export type PublishAnswer = z.infer<typeof publishAnswerSchema>;

export const commandAnswerSchema = z.object({
  applied: z
    .boolean()
    .default(true)
    .describe('false: it is kept, and no processor is known to have applied it yet'),
  changed: z.boolean(),
  events: z.array(circuitEventSchema),
});

export type CommandAnswer = z.infer<typeof commandAnswerSchema>;

/** @param now seconds since the epoch */
export function pairView(
  tenant: string,
  state: TrustState,
  policy: Policy,
  now: number,
  timedRecovery: boolean,
): PairView {
  const evaluator = new TrustEvaluator(policy.config);
  return {
    tenant,
    pair_id: state.pairId,
    agent_a: state.agentA,
    agent_b: state.agentB,
    circuit_state: state.circuitState,
    trust_score: state.trustScore,
    trust_score_now: evaluator.scoreAt(state, now),
    should_terminate: evaluator.shouldTerminate(state, now),
    alpha: state.alpha,
    beta: state.beta,
    last_updated: state.lastUpdated,
    interaction_count: state.interactionCount,
    opened_at: state.openedAt,
    recovers_at: timedRecovery ? recoversAt(state, policy.config) : null,
    transition: state.transition,
    policy: { name: policy.name, version: policy.version },
    enforced: policy.enforced,
    ...openingData(changeTold(state, policy.config)),
  };
}
