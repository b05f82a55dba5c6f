/** How often a model is asked, and what lies between. */
export interface Backoff {
  /** Attempts in all. */
  readonly attempts: number;
  readonly firstPauseMs: number;
  /** No pause is longer; an endpoint that asks for more is given up. */
  readonly longestPauseMs: number;
}

export const defaultBackoff: Backoff = { attempts: 4, firstPauseMs: 500, longestPauseMs: 30_000 };

/**
 * How long to wait before the next attempt, ms; null: there is no next one. Between half and the whole of a pause that
 * doubles, so that calls that failed together do not come back together. What the endpoint asks for is waited out whole,
 * and a tenth of it at most on top.
 *
 * @param failed attempts so far, at least 1
 * @param random in [0, 1)
 */
export function pauseBefore(
  { attempts, firstPauseMs, longestPauseMs }: Backoff,
  failed: number,
  retryAfterMs: number | null,
  random: number,
): number | null {
  if (failed >= attempts) return null;
  if (retryAfterMs === null) {
    const whole = Math.min(longestPauseMs, firstPauseMs * 2 ** (failed - 1));
    return whole / 2 + (random * whole) / 2;
  }
  return retryAfterMs > longestPauseMs ? null : retryAfterMs * (1 + random / 10);
}

/**
 * A Retry-After header in ms: seconds, or a date. Null: there is none that can be read.
 * @param nowSeconds since the epoch
 */
export function retryAfterMs(header: string | null, nowSeconds: number): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return seconds >= 0 ? seconds * 1_000 : null;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - nowSeconds * 1_000);
}
