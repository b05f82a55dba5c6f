import { unchanged } from './change.js';
import type { CircuitState } from './circuit.js';
import type { TrustConfig } from './config.js';
import { nextTransition } from './evaluator.js';
import { type ChangeTold, tellChange } from './explain.js';
import { recoversAt } from './forecast.js';
import type { TrustOutcome } from './outcome.js';
import type { Policy } from './policy.js';
import type { PairNames, TrustState } from './state.js';

/** What moved a circuit: an interaction, time alone, or an operator. */
export type Cause =
  | { readonly kind: 'interaction'; readonly eventId: string; readonly outcome: TrustOutcome }
  | { readonly kind: 'recovery' }
  | { readonly kind: 'operator'; readonly eventId: string; readonly actor: string; readonly reason: string };

/** Where a circuit moved to; `reset` forgets the pair. */
export type TransitionType = 'opened' | 'half_opened' | 'closed' | 'terminated' | 'reset';

/** A change of one pair's circuit, with what held right after it. Times are seconds since the epoch. */
export interface Transition extends PairNames {
  readonly type: TransitionType;
  readonly from: CircuitState;
  readonly to: CircuitState;
  readonly trustScore: number;
  readonly alpha: number;
  readonly beta: number;
  readonly interactionCount: number;
  readonly threshold: number;
  readonly policy: { readonly name: string; readonly version: number };
  /** false: shadow mode, nobody has to stop. */
  readonly enforced: boolean;
  /** Its number; only rises. */
  readonly transition: number;
  /** The number of the pair's transition before it, 0 if none is known. */
  readonly previousTransition: number;
  /** Time of what moved the circuit. */
  readonly occurredAt: number;
  /** On `opened`: when the circuit will move by itself if the pair stays silent; null if never. */
  readonly recoversAt: number | null;
  readonly cause: Cause;
  /** What the circuit is judged by under `opening: change`; absent under `mean`. */
  readonly change?: ChangeTold;
}

/** What holds for every step of one process. */
export interface StepRules {
  /** Circuits of silent pairs recover by time. */
  readonly timedRecovery: boolean;
  /** The applying process's clock, whole ms since the epoch. */
  readonly nowMs: number;
  /** false: nobody is told, so the pair keeps the number of the last transition that somebody was. @defaultValue true */
  readonly publishes?: boolean;
}

/** The number of a pair's next transition. */
export function numberAfter(previous: number, { publishes, nowMs }: StepRules): number {
  return publishes === false ? previous : nextTransition(previous, nowMs);
}

const typeOf: Record<CircuitState, TransitionType> = {
  CLOSED: 'closed',
  OPEN: 'opened',
  HALF_OPEN: 'half_opened',
  TERMINATED: 'terminated',
};

/** A change of a circuit, before it is described. */
export interface Change {
  readonly from: CircuitState;
  readonly after: TrustState;
  readonly previous: number;
  readonly occurredAt: number;
}

/** The whole of what a change is told with. */
export function describe(
  moved: Change,
  cause: Cause,
  policy: Policy,
  rules: StepRules,
  type: TransitionType = typeOf[moved.after.circuitState],
): Transition {
  const { after } = moved;
  const change = changeTold(after, policy.config);
  return {
    type,
    pairId: after.pairId,
    agentA: after.agentA,
    agentB: after.agentB,
    from: moved.from,
    to: after.circuitState,
    trustScore: after.trustScore,
    alpha: after.alpha,
    beta: after.beta,
    interactionCount: after.interactionCount,
    threshold: policy.config.threshold,
    policy: { name: policy.name, version: policy.version },
    enforced: policy.enforced,
    transition: after.transition,
    previousTransition: moved.previous,
    occurredAt: moved.occurredAt,
    recoversAt: type === 'opened' && rules.timedRecovery ? recoversAt(after, policy.config) : null,
    cause,
    ...(change === undefined ? {} : { change }),
  };
}

/** What a circuit is judged by under `opening: change`; undefined under `mean`. */
export function changeTold(state: TrustState, config: TrustConfig): ChangeTold | undefined {
  if (config.opening === 'mean') return undefined;
  return tellChange(state.change ?? unchanged, state.circuitState, config);
}
