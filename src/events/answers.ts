import { z } from 'zod';
import { circuitStates } from '../trust/circuit.js';
import { TrustEvaluator } from '../trust/evaluator.js';
import { recoversAt } from '../trust/forecast.js';
import type { Policy } from '../trust/policy.js';
import type { TrustState } from '../trust/state.js';
import { changeTold } from '../trust/transition.js';
import {
  circuitEventSchema,
  defaultTenant,
  idSchema,
  nameSchema,
  openingData,
  openingFields,
  tenantSchema,
} from './schemas.js';

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
  threshold: z.number(),
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

/** Of a client that wants to be, to stay or to be no more the probe of a pair that is HALF_OPEN. */
export const probeRequestSchema = z.object({
  tenant: tenantSchema.default(defaultTenant),
  agent_a: nameSchema,
  agent_b: nameSchema,
  transition: z.int('must be a whole number').positive('must be above 0'),
  holder: idSchema.describe('the same for one call as long as it runs, and of no other'),
  lasts_ms: z
    .number('must be a number')
    .min(1_000, 'must be at least 1000')
    .max(600_000, 'must be at most 600000')
    .default(30_000),
  release: z.boolean('must be true or false').default(false),
});

export type ProbeRequest = z.input<typeof probeRequestSchema>;

export const probeAnswerSchema = z.object({
  granted: z.boolean().describe('this call is the probe: it may be made'),
  lasts_ms: z.int().nonnegative().describe('for how long, without being renewed'),
});

export type ProbeAnswer = z.infer<typeof probeAnswerSchema>;

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
    threshold: policy.config.threshold,
    opened_at: state.openedAt,
    recovers_at: timedRecovery ? recoversAt(state, policy.config) : null,
    transition: state.transition,
    policy: { name: policy.name, version: policy.version },
    enforced: policy.enforced,
    ...openingData(changeTold(state, policy.config)),
  };
}
