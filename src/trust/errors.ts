/**
 * A value that the trust model does not take: a config knob out of range, a time that is not finite,
 * a name that is not well-formed Unicode. The message names the knob, the value and the rule.
 */
export class TrustValueError extends RangeError {
  override readonly name = 'TrustValueError';

  constructor(
    /** What was wrong: the knob or the argument, e.g. `halfLifeSeconds`. */
    readonly knob: string,
    /** The value as it was given. */
    readonly value: unknown,
    /** What it has to be, e.g. `must be > 0 (Infinity turns decay off)`. */
    readonly rule: string,
  ) {
    super(`${knob} ${rule}, got ${show(value)}`);
  }
}

/**
 * Why a pair has to stop. `score`: it is below the threshold. `change`: under `opening: change` its circuit is OPEN.
 * `terminated`: an operator's word.
 */
export type CircuitOpenReason = 'score' | 'change' | 'terminated';

const said: Readonly<Record<CircuitOpenReason, (score: number, threshold: number) => string>> = {
  score: (score, threshold) => `score ${score.toFixed(3)} is below ${threshold}`,
  change: () => 'it fails more often than is usual for it',
  terminated: () => 'an operator terminated it',
};

/** A pair has to stop. Thrown by `TrustManager.evaluate(..., { raiseOnBreak: true })` after the state was stored. */
export class TrustCircuitOpen extends Error {
  override readonly name = 'TrustCircuitOpen';

  constructor(
    /** Pair id, 16 hex characters. */
    readonly pairId: string,
    /** The stored score after the update, in [0, 1]. */
    readonly trustScore: number,
    /** The threshold in force, in (0, 1). */
    readonly threshold: number,
    readonly reason: CircuitOpenReason = trustScore < threshold ? 'score' : 'terminated',
  ) {
    super(`trust circuit open for pair ${pairId}: ${said[reason](trustScore, threshold)}`);
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  return String(value);
}
