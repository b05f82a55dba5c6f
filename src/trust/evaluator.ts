import { addEvidence, score } from './beta.js';
import { judgeChange, observe, unchanged } from './change.js';
import { type Circuit, judge } from './circuit.js';
import { TrustConfig, type TrustConfigOptions } from './config.js';
import { decay, decayFactor, type Evidence } from './decay.js';
import { TrustValueError } from './errors.js';
import { type TrustOutcome, trustOutcomes } from './outcome.js';
import { makePairId } from './pair.js';
import { checkTime, freshState, type TrustState } from './state.js';

/** The pure update under one config: no I/O and no clock, times are passed in as seconds since the epoch. */
export class TrustEvaluator {
  readonly config: TrustConfig;

  constructor(config?: TrustConfigOptions) {
    this.config = TrustConfig.from(config);
  }

  /** The state of a pair never seen, at time `t`. */
  newState(agentA: string, agentB: string, t: number): TrustState {
    checkTime(t);
    return freshState({ pairId: makePairId(agentA, agentB), agentA, agentB }, t, this.config);
  }

  /**
   * The state after one outcome at time `t`: decay, evidence, circuit.
   *
   * @param weight how much the outcome counts, in (0, 100]. @defaultValue 1
   * @throws TrustValueError for an unknown outcome, a time that is not finite or a weight out of range.
   */
  update(state: TrustState, outcome: TrustOutcome, t: number, weight = 1): TrustState {
    checkTime(t);
    checkOutcome(outcome);
    if (!(weight > 0 && weight <= 100)) throw new TrustValueError('weight', weight, 'must be in (0, 100]');
    const number = nextTransition(state.transition, transitionClock(t));
    return updateState(state, outcome, t, weight, this.config, number, true);
  }

  /** The score at time `t`, decayed from what is stored; nothing is written. */
  scoreAt(state: TrustState, t: number): number {
    checkTime(t);
    return score(decay(state, t - state.lastUpdated, this.config.halfLifeSeconds));
  }

  /**
   * Whether an agent should stop at time `t`: the pair is TERMINATED or its decayed score is below the threshold.
   * Under `opening: change` it is the circuit that counts: TERMINATED, or OPEN until its cooldown is over.
   */
  shouldTerminate(state: TrustState, t: number): boolean {
    if (this.config.opening === 'mean')
      return state.circuitState === 'TERMINATED' || this.scoreAt(state, t) < this.config.threshold;
    checkTime(t);
    if (state.circuitState !== 'OPEN') return state.circuitState === 'TERMINATED';
    return t < (state.openedAt ?? state.lastUpdated) + (this.config.recoveryCooldownSeconds ?? 0);
  }

  /**
   * Whether calls have to wait at time `t`: the circuit is TERMINATED, or OPEN and an interaction could not move it yet.
   * A circuit that is HALF_OPEN, or would be now, lets a call through: its outcome is what decides.
   */
  isOpen(state: TrustState, t: number): boolean {
    const { circuitState, openedAt } = state;
    if (circuitState !== 'OPEN') return circuitState === 'TERMINATED';
    const { recoveryCooldownSeconds, threshold } = this.config;
    if (recoveryCooldownSeconds === null) return this.scoreAt(state, t) < threshold;
    // An interaction has to begin a cooldown that was never begun.
    return openedAt !== null && t - openedAt < recoveryCooldownSeconds;
  }

  /** Whether the stored state, not decayed, is below the threshold or TERMINATED; under `change`, OPEN or TERMINATED. */
  isBroken(state: TrustState): boolean {
    if (state.circuitState === 'TERMINATED') return true;
    return this.config.opening === 'mean'
      ? state.trustScore < this.config.threshold
      : state.circuitState === 'OPEN';
  }
}

/**
 * One interaction's effect on a state. Late ones (`t` before `lastUpdated`) leave `lastUpdated` where it is,
 * and the circuit is judged there.
 *
 * @param number what a change of the circuit gets as its number.
 * @param judged false: the evidence counts and the circuit stays, and so does what is known of a change.
 */
export function updateState(
  state: TrustState,
  outcome: TrustOutcome,
  t: number,
  weight: number,
  config: TrustConfig,
  number: number,
  judged: boolean,
): TrustState {
  const evidence = addEvidence(state, outcome, t, weight, config);
  const trustScore = score(evidence);
  const lastUpdated = Math.max(t, state.lastUpdated);
  if (config.opening === 'change') {
    const before = state.change ?? unchanged;
    const w =
      t < state.lastUpdated ? weight * decayFactor(state.lastUpdated - t, config.halfLifeSeconds) : weight;
    const change = judged ? observe(before, outcome, w, state.circuitState === 'CLOSED', config) : before;
    const circuit = judged ? judgeChange(state, change, outcome, lastUpdated, config) : state;
    return Object.freeze({ ...updated(state, evidence, trustScore, lastUpdated, circuit, number), change });
  }
  const circuit = judged
    ? judge(state, trustScore < config.threshold, lastUpdated, config.recoveryCooldownSeconds)
    : state;
  return Object.freeze(updated(state, evidence, trustScore, lastUpdated, circuit, number));
}

/** Written out: every interaction goes through here, and what is known of a change is left out under `mean`. */
function updated(
  state: TrustState,
  evidence: Evidence,
  trustScore: number,
  lastUpdated: number,
  circuit: Circuit,
  number: number,
): TrustState {
  const moved = circuit.circuitState !== state.circuitState;
  return {
    pairId: state.pairId,
    agentA: state.agentA,
    agentB: state.agentB,
    alpha: evidence.alpha,
    beta: evidence.beta,
    trustScore,
    lastUpdated,
    interactionCount: state.interactionCount + 1,
    circuitState: circuit.circuitState,
    openedAt: circuit.openedAt,
    transition: moved ? number : state.transition,
  };
}

/** Numbers only rise per pair, and a pair that lost its past starts above it: the clock has gone on. */
export function nextTransition(previous: number, nowMs: number): number {
  return Math.max(previous + 1, nowMs);
}

/** A clock in seconds, as the whole milliseconds that transitions are numbered with. */
export function transitionClock(seconds: number): number {
  return Math.max(0, Math.floor(seconds * 1_000));
}

export function checkOutcome(outcome: TrustOutcome): void {
  if (!trustOutcomes.includes(outcome))
    throw new TrustValueError('outcome', outcome, `must be one of ${trustOutcomes.join(', ')}`);
}
