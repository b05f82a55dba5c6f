import type { RedisClient } from './connection.js';

/** How long a measurement of the server's clock holds, in ms. */
const maxAgeMs = 60_000;

/**
 * How far this machine's clock is from Redis's, so that transitions of all processes are numbered by one clock. What
 * lies within the error of the measurement counts as nothing.
 */
export class ServerClock {
  private offsetMs = 0;
  private measuredAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly client: RedisClient) {}

  /** Measures anew when the last time was a minute ago. */
  async measure(): Promise<void> {
    if (performance.now() - this.measuredAt < maxAgeMs) return;
    const before = Date.now();
    const [seconds, micros] = await this.client.time();
    const after = Date.now();
    this.offsetMs = offsetOf(before, Number(seconds) * 1_000 + Number(micros) / 1_000, after);
    this.measuredAt = performance.now();
  }

  /** A time of this process's clock, whole ms since the epoch, as the server's clock would have it. */
  corrected(nowMs: number): number {
    return nowMs + this.offsetMs;
  }
}

/** Whole ms from this clock to the server's, which showed `server` between `before` and `after`. */
export function offsetOf(before: number, server: number, after: number): number {
  const offset = Math.round(server - (before + after) / 2);
  const error = (after - before) / 2 + 1;
  return Math.abs(offset) <= error ? 0 : offset;
}
