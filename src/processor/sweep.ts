import type { DueRequest, TrustStore } from '../ports.js';

/** Pairs looked at in one atomic step. */
const limit = 500;

/**
 * Makes the recoveries of silent pairs. Its time is the least over all sources of the time up to which they
 * are read: a backlog must not close a pair whose failures are still queued.
 */
export class Sweep {
  private readonly frontiers = new Map<string, number>();

  constructor(
    private readonly store: TrustStore,
    private readonly request: () => Pick<DueRequest, 'policyOf' | 'nowMs'>,
    sources: readonly string[],
  ) {
    for (const source of sources) this.frontiers.set(source, Number.NEGATIVE_INFINITY);
  }

  /** Says that `source` has been read up to events of time `t`, seconds since the epoch. */
  advance(source: string, t: number): void {
    this.frontiers.set(source, t);
  }

  /** Says that `source` has ended: it holds the others back no longer. */
  leave(source: string): void {
    this.frontiers.delete(source);
  }

  /** Makes some of what is due: whether it found anything to look at, and whether there may be more. */
  async step(): Promise<{ readonly found: boolean; readonly more: boolean }> {
    const until = Math.min(...this.frontiers.values());
    const looked = await this.store.due({ until, limit, ...this.request() });
    return { found: looked > 0, more: looked === limit };
  }
}
