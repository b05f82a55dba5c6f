import type { CircuitState } from './circuit.js';

/** Circuit states as the ecosystem numbers them for agents: the higher, the worse. */
export const agentStates = {
  CLOSED: 0,
  HALF_OPEN: 1,
  OPEN: 2,
  TERMINATED: 3,
} as const satisfies Record<CircuitState, number>;

/** 0 CLOSED, 1 HALF_OPEN, 2 OPEN, 3 TERMINATED. */
export type AgentState = (typeof agentStates)[CircuitState];

/** What the ecosystem calls each of them. */
export const agentStateNames = ['TRUSTED', 'EVALUATING', 'ISOLATED', 'TERMINATED'] as const;

/** How an agent stands over all of its pairs. */
export interface AgentStanding {
  /** The worst of its pairs. */
  readonly state: AgentState;
  /** The lowest score, at their last transition, among the pairs in that state. */
  readonly trustScore: number;
}

/** A score as agents' keys and events tell it, as `%.6f` does: a tie goes to the even digit, where `toFixed` takes the larger. In [0, 1] ties are odd 128ths. */
export function sixDecimals(score: number): string {
  if (Math.abs((score * 128) % 2) !== 1) return score.toFixed(6);
  const below = Math.floor(score * 1e6);
  return ((below % 2 === 0 ? below : below + 1) / 1e6).toFixed(6);
}
