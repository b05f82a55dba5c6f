import type { Lease, ProbedPair, Probes } from '../ports.js';

interface Held {
  readonly holder: string;
  /** On the clock of this process, in ms. */
  readonly until: number;
}

/** Who is the probe of a pair, where one process says it to all. */
export class MemoryProbes implements Probes {
  private readonly held = new Map<string, Held>();

  /** @param clockMs a clock that only goes forward, in ms */
  constructor(private readonly clockMs: () => number = () => performance.now()) {}

  lease({ tenant, pairId, transition }: ProbedPair, holder: string, lastsMs: number): Lease {
    const key = `${tenant}/${pairId}/${transition}`;
    return {
      lastsMs,
      hold: async () => this.hold(key, holder, lastsMs),
      release: async () => {
        if (this.held.get(key)?.holder === holder) this.held.delete(key);
      },
    };
  }

  private hold(key: string, holder: string, lastsMs: number): boolean {
    const now = this.clockMs();
    const before = this.held.get(key);
    if (before !== undefined && before.until > now && before.holder !== holder) return false;
    if (before === undefined) this.forgetLapsed(now);
    this.held.set(key, { holder, until: now + lastsMs });
    return true;
  }

  private forgetLapsed(now: number): void {
    for (const [key, { until }] of this.held) if (until <= now) this.held.delete(key);
  }
}
