import { systemTimers } from '../clock.js';
import type { Lease } from '../ports.js';

/** A lease as its holder sees it: it is held as long as its own clock says that nobody else can have it. */
export class HeldLease {
  private heldUntil = Number.NEGATIVE_INFINITY;
  private askedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly lease: Lease) {}

  /** Asked before everything that only the holder may do. A process that stood still for long does not hold it. */
  get held(): boolean {
    return performance.now() < this.heldUntil;
  }

  /** How long one waits before asking for it again, be it to keep it or to get it, in ms. */
  get askEveryMs(): number {
    return this.lease.lastsMs / 5;
  }

  async hold(): Promise<boolean> {
    const askedAt = performance.now();
    this.askedAt = askedAt;
    const got = await this.lease.hold();
    // An answer that comes after a later question says nothing any more.
    if (this.askedAt === askedAt)
      this.heldUntil = got ? askedAt + this.lease.lastsMs : Number.NEGATIVE_INFINITY;
    return got;
  }

  /** Renews it until it is lost or `signal` aborts. Redis may be away for as long as the lease lasts. */
  async keep(signal: AbortSignal): Promise<void> {
    while (this.held && !signal.aborted) {
      await systemTimers.sleep(this.askEveryMs, signal);
      if (signal.aborted) return;
      const left = new AbortController();
      const renewal = this.hold().catch(() => false);
      await Promise.race([renewal, systemTimers.sleep(this.heldUntil - performance.now(), left.signal)]);
      left.abort();
    }
  }

  async release(): Promise<void> {
    if (!this.held) return;
    this.heldUntil = Number.NEGATIVE_INFINITY;
    await this.lease.release();
  }
}
