import type { TrustConfig } from './config.js';
import type { TrustState } from './state.js';

/**
 * Seconds after `lastUpdated` at which a silent pair's circuit moves by itself, or null if it never does.
 *
 * With a cooldown, OPEN becomes HALF_OPEN when the cooldown is over. Without one, OPEN and HALF_OPEN become
 * CLOSED when decay alone brings the score back to the threshold. With a = alpha - 1, b = beta - 1 and decay
 * factor f, (1 + a f) / (2 + (a + b) f) = threshold gives
 *
 *     1 / f = 1 + (threshold (alpha + beta) - alpha) / (1 - 2 threshold)
 *
 * and `log1p` keeps the elapsed time exact when f is close to 1. The score decays towards 1/2, so for a
 * threshold of 1/2 or more it never comes.
 */
export function recoverySeconds(state: TrustState, config: TrustConfig): number | null {
  const { circuitState, openedAt, lastUpdated, alpha, beta } = state;
  const { recoveryCooldownSeconds: cooldown, threshold, halfLifeSeconds } = config;
  if (circuitState === 'CLOSED' || circuitState === 'TERMINATED') return null;
  if (cooldown !== null) {
    if (circuitState === 'HALF_OPEN') return null;
    // A circuit that opened before its policy had a cooldown has no openedAt: the cooldown runs from its last event.
    return Math.max(0, (openedAt ?? lastUpdated) - lastUpdated + cooldown);
  }
  if (!recoversByDecay(config)) return null;
  const excess = (threshold * (alpha + beta) - alpha) / (1 - 2 * threshold);
  return excess > 0 ? (halfLifeSeconds * Math.log1p(excess)) / Math.LN2 : 0;
}

/** The time of {@link recoverySeconds}, seconds since the epoch, or null. */
export function recoversAt(state: TrustState, config: TrustConfig): number | null {
  const seconds = recoverySeconds(state, config);
  // A cooldown may be infinite, and the longest half-lives overflow.
  return seconds === null || !Number.isFinite(seconds) ? null : state.lastUpdated + seconds;
}

/** Whether decay alone can lift a score over the threshold. Where not, an open pair needs an event or a reset. */
export function recoversByDecay(config: TrustConfig): boolean {
  return config.threshold < 0.5 && Number.isFinite(config.halfLifeSeconds);
}
