import { type KV, NatsError, StorageType } from 'nats';
import type { Lease, ProbedPair, Probes } from '../../ports.js';
import { apiCodes, isApiError } from './errors.js';
import type { Link } from './link.js';
import type { NatsOptions } from './options.js';

/** Who is the probe of a pair, as an entry of a key-value bucket that lapses: one for each number of its circuit. */
export class NatsProbes implements Probes {
  private bucket: Promise<Bucket> | null = null;

  constructor(
    private readonly link: Link,
    private readonly options: Pick<NatsOptions, 'probesBucket' | 'replicas'>,
    private readonly leaseMs: number,
  ) {}

  lease({ tenant, pairId, transition }: ProbedPair, holder: string): Lease {
    return new NatsLease(
      this.link,
      () => this.open(),
      `${tenant}.${pairId}.${transition}`,
      holder,
      this.leaseMs,
    );
  }

  /** The bucket, made when it is absent; a failure is tried again by the next who needs it. */
  private open(): Promise<Bucket> {
    this.bucket ??= this.openOnce().catch((error: unknown) => {
      this.bucket = null;
      throw error;
    });
    return this.bucket;
  }

  private openOnce(): Promise<Bucket> {
    const { probesBucket, replicas } = this.options;
    return this.link.ask(`open the bucket ${probesBucket}`, async () => {
      const kv = await this.link.connection.jetstream().views.kv(probesBucket, {
        ttl: this.leaseMs,
        // Leases that a crashed server forgets let one more probe through.
        storage: StorageType.Memory,
        replicas,
      });
      const { ttl } = await kv.status();
      return { kv, lastsMs: ttl > 0 ? ttl : this.leaseMs };
    });
  }
}

interface Bucket {
  readonly kv: KV;
  /** How long an entry stays. */
  readonly lastsMs: number;
}

class NatsLease implements Lease {
  private revision = 0;

  constructor(
    private readonly link: Link,
    private readonly open: () => Promise<Bucket>,
    private readonly key: string,
    private readonly holder: string,
    public lastsMs: number,
  ) {}

  async hold(): Promise<boolean> {
    const { kv, lastsMs } = await this.open();
    this.lastsMs = lastsMs;
    const { revision } = this;
    const held = await this.unlessTaken('take', () =>
      revision === 0 ? kv.create(this.key, this.holder) : kv.update(this.key, this.holder, revision),
    );
    this.revision = held ?? 0;
    return held !== null;
  }

  async release(): Promise<void> {
    const { revision } = this;
    if (revision === 0) return;
    this.revision = 0;
    const { kv } = await this.open();
    await this.unlessTaken('let go', () => kv.delete(this.key, { previousSeq: revision }));
  }

  /** Null: it is another's by now. */
  private unlessTaken<T>(verb: string, work: () => Promise<T>): Promise<T | null> {
    return this.link.ask(`${verb} the lease of probe ${this.key}`, async () => {
      try {
        return await work();
      } catch (error) {
        if (error instanceof NatsError && isApiError(error, apiCodes.wrongLastSequence)) return null;
        throw error;
      }
    });
  }
}
