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
 * Thrown by `TrustManager.evaluate(..., { raiseOnBreak: true })` after the state was stored: the pair's
 * score is below the threshold, or an operator terminated the pair.
 */
export class TrustCircuitOpen extends Error {
  override readonly name = 'TrustCircuitOpen';

  constructor(
    /** Pair id, 16 hex characters. */
    readonly pairId: string,
    /** The stored score after the update, in [0, 1]. */
    readonly trustScore: number,
    /** The threshold in force, in (0, 1). */
    readonly threshold: number,
  ) {
    super(
      trustScore < threshold
        ? `trust circuit open for pair ${pairId}: score ${trustScore.toFixed(3)} is below ${threshold}`
        : `trust circuit open for pair ${pairId}: an operator terminated it`,
    );
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  return String(value);
}
