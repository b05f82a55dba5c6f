import { score } from './beta.js';
import type { ChangeState } from './change.js';
import type { CircuitState } from './circuit.js';
import type { TrustConfig } from './config.js';
import { TrustValueError } from './errors.js';

/** What is known of one pair, as it stood at `lastUpdated`. Frozen. */
export interface TrustState {
  /** 16 hex characters; see `makePairId`. */
  readonly pairId: string;
  /** Both names, in the order of the pair's first event. */
  readonly agentA: string;
  readonly agentB: string;
  /** Evidence for the pair, the prior included. */
  readonly alpha: number;
  /** Evidence against it, the prior included. */
  readonly beta: number;
  /** alpha / (alpha + beta) as stored: not decayed to now. */
  readonly trustScore: number;
  /** Seconds since the epoch. */
  readonly lastUpdated: number;
  readonly interactionCount: number;
  readonly circuitState: CircuitState;
  /** When the circuit last opened under a cooldown, seconds since the epoch. */
  readonly openedAt: number | null;
  /** Number of the last change of the circuit; only rises; 0 if there was none. */
  readonly transition: number;
  /** What is known of a change for the worse; absent under `opening: mean`, and before the first event. */
  readonly change?: ChangeState;
}

export interface PairNames {
  readonly pairId: string;
  readonly agentA: string;
  readonly agentB: string;
}

/** Whether a pair is that of two agents, in either order: a pair id alone may be shared by others. */
export function isPairOf(pair: PairNames, { agentA, agentB }: Pick<PairNames, 'agentA' | 'agentB'>): boolean {
  return (
    (pair.agentA === agentA && pair.agentB === agentB) || (pair.agentA === agentB && pair.agentB === agentA)
  );
}

/** The state of a pair that has no evidence yet. */
export function freshState(pair: PairNames, t: number, config: TrustConfig, transition = 0): TrustState {
  const { alphaPrior: alpha, betaPrior: beta } = config;
  return Object.freeze({
    pairId: pair.pairId,
    agentA: pair.agentA,
    agentB: pair.agentB,
    alpha,
    beta,
    trustScore: score({ alpha, beta }),
    lastUpdated: t,
    interactionCount: 0,
    circuitState: 'CLOSED',
    openedAt: null,
    transition,
  });
}

/** The state as a config has it written: under `mean` nothing is kept of a change, so that every version can read it. */
export function underRule(state: TrustState, config: TrustConfig): TrustState {
  if (state.change === undefined || config.opening === 'change') return state;
  const { change: _, ...rest } = state;
  return Object.freeze(rest);
}

/** @throws TrustValueError when `t` is not a finite number of seconds. */
export function checkTime(t: number): void {
  if (!Number.isFinite(t)) throw new TrustValueError('t', t, 'must be a finite time in seconds');
}
