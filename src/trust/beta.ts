import type { TrustConfig } from './config.js';
import { decayed, decayFactor, type Evidence } from './decay.js';
import type { TrustOutcome } from './outcome.js';

/** The mean of Beta(alpha, beta), in [0, 1]. */
export function score(evidence: Evidence): number {
  return evidence.alpha / (evidence.alpha + evidence.beta);
}

/**
 * `evidence`, which stands at `lastUpdated`, with one outcome of time `t` added.
 *
 * In time, the old evidence decays to `t` and the new one counts in full. Late (`t` before `lastUpdated`),
 * nothing decays and the new evidence counts as it would stand now had it come in time, so with both priors
 * 1 and no cap the order of arrival does not matter.
 *
 * @param weight how much this outcome counts, against 1 for an ordinary one.
 */
export function addEvidence(
  evidence: Evidence & { readonly lastUpdated: number },
  outcome: TrustOutcome,
  t: number,
  weight: number,
  config: TrustConfig,
): Evidence {
  const elapsed = t - evidence.lastUpdated;
  const keep = decayFactor(elapsed, config.halfLifeSeconds);
  const w = elapsed < 0 ? weight * decayFactor(-elapsed, config.halfLifeSeconds) : weight;
  let alpha = decayed(evidence.alpha, keep);
  let beta = decayed(evidence.beta, keep);
  if (outcome === 'success') alpha += w * config.successWeight;
  else if (outcome === 'failure') beta += w * config.failureWeight;
  else {
    alpha += w * config.partialAlphaWeight;
    beta += w * config.partialBetaWeight;
  }
  if (config.alphaMax !== null && alpha > config.alphaMax) alpha = config.alphaMax;
  return { alpha, beta };
}
