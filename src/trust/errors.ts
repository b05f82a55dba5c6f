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
 * Why a call of a pair is refused. `score`: it is below the threshold. `change`: under `opening: change` its circuit is
 * OPEN. `terminated`: an operator's word. `half_open`: another call is the probe, or nobody can say which is. `stale`:
 * circuits are not known just now, and the client was told to stop then.
 */
export type CircuitOpenReason = 'score' | 'change' | 'terminated' | 'half_open' | 'stale';

const said: Readonly<Record<CircuitOpenReason, (score: number, threshold: number) => string>> = {
  score: (score, threshold) =>
    score < threshold ? `score ${score.toFixed(3)} is below ${threshold}` : 'it has not recovered yet',
  change: () => 'it fails more often than is usual for it',
  terminated: () => 'an operator terminated it',
  half_open: () => 'it is half open, and this call is not the probe',
  stale: () => 'circuits are not known just now, and whenStale is failClosed',
};

/**
 * A pair has to stop. Thrown by `TrustManager.evaluate(..., { raiseOnBreak: true })` after the state was stored, and by
 * the client's `guard` instead of calling.
 */
export class TrustCircuitOpen extends Error {
  override readonly name = 'TrustCircuitOpen';

  constructor(
    /** Pair id, 16 hex characters. */
    readonly pairId: string,
    /** The score when it was last judged, in [0, 1]; NaN where it is not known. */
    readonly trustScore: number,
    /** The threshold in force, in (0, 1); NaN where it is not known. */
    readonly threshold: number,
    readonly reason: CircuitOpenReason = trustScore < threshold ? 'score' : 'terminated',
    options?: ErrorOptions,
  ) {
    super(`trust circuit open for pair ${pairId}: ${said[reason](trustScore, threshold)}`, options);
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  return String(value);
}
