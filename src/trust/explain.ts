import { type ChangeConfig, type ChangeState, usualRate } from './change.js';
import type { CircuitState } from './circuit.js';

/** What a pair under `opening: change` is told with. */
export interface ChangeTold {
  readonly evidence: number;
  /** How often the pair's next event fails where nothing has changed. */
  readonly normalRate: number;
  /** Failures since the last event that was none. */
  readonly failureRun: number;
  /** All of it in words, e.g. `6 failures in a row where 2 % is usual`. */
  readonly explanation: string;
}

/** The knobs that it is told by. */
export type ChangeRates = Omit<ChangeConfig, 'memory'>;

export function tellChange(state: ChangeState, circuitState: CircuitState, config: ChangeRates): ChangeTold {
  const { evidence, failureRun } = state;
  const normalRate = usualRate(state, config);
  return { evidence, normalRate, failureRun, explanation: explain(state, circuitState, normalRate, config) };
}

function explain(state: ChangeState, circuitState: CircuitState, rate: number, config: ChangeRates): string {
  const usual = `${short(100 * rate)} %`;
  const { evidence, failureRun } = state;
  if (failureRun === 0)
    return circuitState === 'CLOSED'
      ? `no failure just now; ${usual} is usual`
      : `no failure just now; closes when the evidence, ${short(evidence)}, is down to 1`;
  const run = `${short(failureRun)} failure${failureRun === 1 ? '' : 's'} in a row`;
  return opensAlone(state, config) || circuitState === 'CLOSED'
    ? `${run} where ${usual} is usual`
    : `${run}, after others shortly before, where ${usual} is usual`;
}

/** Whether the run of failures is evidence enough without what was before it. */
function opensAlone(state: ChangeState, config: ChangeRates): boolean {
  const { failureRun } = state;
  const first = config.badRate / usualRate({ ...state, failureRun: 0 }, config);
  const further = config.badRate / usualRate(state, config);
  const evidence = first ** Math.min(failureRun, 1) * further ** Math.max(failureRun - 1, 0);
  return evidence >= config.evidence * (1 - 1e-9);
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
