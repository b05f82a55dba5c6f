/**
 * The second opening rule: open on a change for the worse, not on the mean. A two-sided bounded CUSUM for Bernoulli
 * trials in product form, which is an e-detector (Shin, Ramdas, Rinaldo, "E-detectors", 2023; Page's CUSUM, 1954): each
 * event multiplies the evidence by how much likelier it is where `badRate` of them fail than where as many fail as is
 * normal for the pair. What is normal is learnt while the circuit is closed, after a non-failure and inside a run of
 * failures apart, since the failures of real services come in bursts. docs/verdict.md has it in plain words.
 */
import { type Circuit, judge } from './circuit.js';
import type { TrustConfig } from './config.js';
import type { TrustOutcome } from './outcome.js';

/** What a pair under `opening: change` knows of its failures. All of it counts in event weights. */
export interface ChangeState {
  /** How much likelier the recent events are in a bad run than in a normal one; in (0, `evidence` of the policy]. */
  readonly evidence: number;
  /** Events that did not fail, of those that are remembered as usual. */
  readonly nonFailures: number;
  /** Runs of failures among them: at most 1 is counted for each. */
  readonly failureRuns: number;
  /** Failures of those runs beyond their first. */
  readonly furtherFailures: number;
  /** Failures since the last event that was none. */
  readonly failureRun: number;
}

/** The knobs of the rule. */
export type ChangeConfig = Pick<TrustConfig, 'evidence' | 'badRate' | 'normalRate' | 'normalMax' | 'memory'>;

/** A pair of which nothing is known. */
export const unchanged: ChangeState = Object.freeze({
  evidence: 1,
  nonFailures: 0,
  failureRuns: 0,
  furtherFailures: 0,
  failureRun: 0,
});

/** How many events the first guesses of the two rates weigh. */
const guessWeight = 20;
const runGuessWeight = 50;

/** How often the pair's next event fails where nothing has changed, between `normalRate` and `normalMax`. */
export function usualRate(state: ChangeState, config: Omit<ChangeConfig, 'memory'>): number {
  const { nonFailures, failureRuns, furtherFailures, failureRun } = state;
  const { normalRate, normalMax } = config;
  let rate = (guessWeight * normalRate + failureRuns) / (guessWeight + nonFailures);
  rate = rate < normalRate ? normalRate : rate > normalMax ? normalMax : rate;
  if (failureRun > 0) {
    rate = (runGuessWeight * rate + furtherFailures) / (runGuessWeight + failureRuns + furtherFailures);
    rate = rate < normalRate ? normalRate : rate > normalMax ? normalMax : rate;
  }
  return rate;
}

/**
 * What is known after one more event.
 *
 * @param weight how much the event counts, against 1 for an ordinary one that is not late
 * @param closed whether the circuit is CLOSED: nothing is learnt while it is not, nor of the run that opens it
 */
export function observe(
  state: ChangeState,
  outcome: TrustOutcome,
  weight: number,
  closed: boolean,
  config: ChangeConfig,
): ChangeState {
  const { evidence: most, badRate } = config;
  const failed = outcome === 'failure';
  const w = outcome === 'partial' ? weight / 2 : weight;
  const rate = usualRate(state, config);
  let factor = failed ? badRate / rate : (1 - badRate) / (1 - rate);
  if (w !== 1) factor **= w;
  let evidence = (state.evidence > 1 ? state.evidence : 1) * factor;
  if (evidence > most && (failed || !closed)) evidence = most;
  let { nonFailures, failureRuns, furtherFailures, failureRun } = state;
  if (failed) failureRun += w;
  else {
    if (closed) {
      if (failureRun > 0) {
        failureRuns += failureRun < 1 ? failureRun : 1;
        furtherFailures += failureRun > 1 ? failureRun - 1 : 0;
      }
      nonFailures += w;
      const known = nonFailures + failureRuns + furtherFailures;
      if (known > config.memory) {
        const kept = config.memory / known;
        nonFailures *= kept;
        failureRuns *= kept;
        furtherFailures *= kept;
      }
    }
    failureRun = 0;
  }
  return Object.freeze({ evidence, nonFailures, failureRuns, furtherFailures, failureRun });
}

/**
 * What an event does to a circuit, once it is observed. Only a failure opens and only something else closes; in between
 * the circuit stays as it is, but that an OPEN one is HALF_OPEN when its cooldown is over.
 *
 * @param t the time of the judgement, seconds since the epoch
 */
export function judgeChange(
  circuit: Circuit,
  { evidence }: ChangeState,
  outcome: TrustOutcome,
  t: number,
  config: Pick<TrustConfig, 'evidence' | 'recoveryCooldownSeconds'>,
): Circuit {
  const bad = outcome === 'failure' && evidence >= config.evidence;
  const well = outcome !== 'failure' && evidence <= 1;
  return bad || well || circuit.circuitState === 'OPEN'
    ? judge(circuit, bad, t, config.recoveryCooldownSeconds)
    : circuit;
}

/** How many in a row it takes, under any history that a pair can have: the least and the most. */
export interface ChangeBounds {
  readonly failuresToOpen: readonly [least: number, most: number];
  readonly successesToClose: readonly [least: number, most: number];
}

export function changeBounds({ evidence, badRate, normalRate, normalMax }: ChangeConfig): ChangeBounds {
  // A power of the factor is reached at that power, whatever the last digits of its logarithm.
  const whole = (factor: number): number => Math.ceil(Math.log(evidence) / Math.log(factor) - 1e-9);
  return {
    failuresToOpen: [whole(badRate / normalRate), whole(badRate / normalMax)],
    successesToClose: [whole((1 - normalRate) / (1 - badRate)), whole((1 - normalMax) / (1 - badRate))],
  };
}
