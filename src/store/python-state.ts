/** How the Python package writes a pair's state: in its file, and in what it sends. */
import { z } from 'zod';
import { score } from '../trust/beta.js';
import { circuitStates } from '../trust/circuit.js';
import { type Pair, unknownPair } from '../trust/record.js';
import type { TrustState } from '../trust/state.js';

/** A prior of 0 is refused here and was not by the reference, which may have written one. */
const parameter = z.number().nonnegative();

/** One pair as the Python package writes it. Fields that it does not know are kept as they are. */
export const pythonStateSchema = z.looseObject({
  pair_id: z.string(),
  agent_a: z.string().refine((name) => name.isWellFormed(), 'must be well-formed Unicode'),
  agent_b: z.string().refine((name) => name.isWellFormed(), 'must be well-formed Unicode'),
  alpha: parameter,
  beta_val: parameter,
  last_updated: z.number(),
  interaction_count: z.int().nonnegative().default(0),
  circuit_state: z.enum(circuitStates).default('CLOSED'),
  opened_at: z.number().nullable().default(null),
});

export type PythonState = z.infer<typeof pythonStateSchema>;

export function pairOf(pairId: string, entry: PythonState): Pair {
  const names = { pairId, agentA: entry.agent_a, agentB: entry.agent_b };
  return {
    ...unknownPair(names),
    state: Object.freeze({
      ...names,
      alpha: entry.alpha,
      beta: entry.beta_val,
      trustScore: score({ alpha: entry.alpha, beta: entry.beta_val }),
      lastUpdated: entry.last_updated,
      interactionCount: entry.interaction_count,
      circuitState: entry.circuit_state,
      openedAt: entry.opened_at,
      transition: 0,
    }),
  };
}

/** @param known what was read of the pair, for fields of other versions */
export function pythonState(state: TrustState, known?: PythonState): PythonState {
  return {
    ...known,
    pair_id: state.pairId,
    agent_a: state.agentA,
    agent_b: state.agentB,
    alpha: state.alpha,
    beta_val: state.beta,
    last_updated: state.lastUpdated,
    interaction_count: state.interactionCount,
    circuit_state: state.circuitState,
    opened_at: state.openedAt,
  };
}
