/** The two parameters of a Beta distribution over "this pair's next interaction succeeds". */
export interface Evidence {
  readonly alpha: number;
  readonly beta: number;
}

/**
 * What is left of evidence after `elapsedSeconds`: 0.5 ^ (elapsed / half-life), 1 when no time has passed or
 * the half-life is infinite.
 */
export function decayFactor(elapsedSeconds: number, halfLifeSeconds: number): number {
  return elapsedSeconds > 0 && halfLifeSeconds !== Number.POSITIVE_INFINITY
    ? 0.5 ** (elapsedSeconds / halfLifeSeconds)
    : 1;
}

/** One parameter with `factor` of its evidence left. At 1 it stays to the bit: 1 + (1e-17 - 1) would be 0. */
export function decayed(parameter: number, factor: number): number {
  return factor === 1 ? parameter : 1 + (parameter - 1) * factor;
}

/** The evidence after `elapsedSeconds` of silence. It decays to (1, 1), the uniform prior. */
export function decay(evidence: Evidence, elapsedSeconds: number, halfLifeSeconds: number): Evidence {
  const keep = decayFactor(elapsedSeconds, halfLifeSeconds);
  return { alpha: decayed(evidence.alpha, keep), beta: decayed(evidence.beta, keep) };
}

/** Evidence this close to (1, 1) tells nothing any more: a pair may be forgotten. */
export const negligibleEvidence = 1e-9;

/** Seconds of silence until |alpha - 1| and |beta - 1| are below {@link negligibleEvidence}. */
export function forgettingSeconds(evidence: Evidence, halfLifeSeconds: number): number {
  const distance = Math.max(Math.abs(evidence.alpha - 1), Math.abs(evidence.beta - 1));
  return distance <= negligibleEvidence ? 0 : halfLifeSeconds * Math.log2(distance / negligibleEvidence);
}
