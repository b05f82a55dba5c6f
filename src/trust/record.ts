/** What is kept of a pair between its events, beyond the state that a user sees. */
import { forgettingSeconds } from './decay.js';
import type { Policy } from './policy.js';
import type { PairNames, TrustState } from './state.js';

/** All that is kept of a pair. Times are seconds since the epoch. */
export interface Pair extends PairNames {
  /** null after a reset: only the times below are left. */
  readonly state: TrustState | null;
  /** Number of the pair's last transition, 0 if there was none. */
  readonly transition: number;
  /** `occurredAt` of the pair's last transition. */
  readonly transitionAt: number | null;
  /** The last reset's own time, by which commands are ordered. */
  readonly resetTime: number | null;
  /** When the last reset took effect: interactions not after it are superseded. */
  readonly resetAt: number | null;
  /** The last terminate's own time. */
  readonly terminateTime: number | null;
}

/** A pair of which nothing is known. */
export function unknownPair(names: PairNames): Pair {
  return {
    pairId: names.pairId,
    agentA: names.agentA,
    agentB: names.agentB,
    state: null,
    transition: 0,
    transitionAt: null,
    resetTime: null,
    resetAt: null,
    terminateTime: null,
  };
}

/** Whether a reset has made an interaction of time `t` void. */
export function isSuperseded(pair: Pair, t: number): boolean {
  return pair.resetAt !== null && t <= pair.resetAt;
}

/** Written out: every interaction goes through here, and a spread costs several times as much. */
export function withState(pair: Pair, state: TrustState, transitionAt: number | null): Pair {
  return {
    pairId: pair.pairId,
    agentA: pair.agentA,
    agentB: pair.agentB,
    state,
    transition: state.transition,
    transitionAt,
    resetTime: pair.resetTime,
    resetAt: pair.resetAt,
    terminateTime: pair.terminateTime,
  };
}

/**
 * Seconds from now after which a stored pair tells nothing any more and may be dropped; null: keep it.
 *
 * @param keepCommandsSeconds how long the times of a reset and a terminate are kept: as long as the log keeps
 *   interactions, which they may still make void.
 */
export function expirySeconds(pair: Pair, policy: Policy, keepCommandsSeconds: number): number | null {
  const { state } = pair;
  const commands = pair.resetTime === null && pair.terminateTime === null ? 0 : keepCommandsSeconds;
  if (state === null) return commands;
  const { alphaPrior, betaPrior, halfLifeSeconds } = policy.config;
  const forgettable =
    state.circuitState === 'CLOSED' &&
    alphaPrior === 1 &&
    betaPrior === 1 &&
    Number.isFinite(halfLifeSeconds);
  return forgettable ? Math.max(commands, forgettingSeconds(state, halfLifeSeconds)) : null;
}
