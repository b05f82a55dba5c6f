import { type KV, StorageType } from 'nats';
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
  ) {}

  /** A bucket has one time for all of its entries: that of whoever made it. */
  lease({ tenant, pairId, transition }: ProbedPair, holder: string, lastsMs: number): Lease {
    const key = `${tenant}.${pairId}.${transition}`;
    return new NatsLease(this.link, () => this.open(lastsMs), key, holder, lastsMs);
  }

  /** The bucket, made when it is absent; a failure is tried again by the next who needs it. */
  private open(lastsMs: number): Promise<Bucket> {
    this.bucket ??= this.openOnce(lastsMs).catch((error: unknown) => {
      this.bucket = null;
      throw error;
    });
    return this.bucket;
  }

  private openOnce(ttl: number): Promise<Bucket> {
    const { probesBucket, replicas } = this.options;
    return this.link.ask(`open the bucket ${probesBucket}`, async () => {
      // A server that crashes forgets them, which lets one more probe through.
      const settings = { ttl, storage: StorageType.Memory, replicas };
      const kv = await this.link.connection.jetstream().views.kv(probesBucket, settings);
      const status = await kv.status();
      return { kv, lastsMs: status.ttl > 0 ? status.ttl : ttl };
    });
  }
}

interface Bucket {
  readonly kv: KV;
  /** How long an entry stays. */
  readonly lastsMs: number;
}

class NatsLease implements Lease {
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
    return this.unlessTaken('take', async () => {
      const revision = await this.ownRevision(kv);
      if (revision === null) await kv.create(this.key, this.holder);
      else await kv.update(this.key, this.holder, revision);
    });
  }

  async release(): Promise<void> {
    const { kv } = await this.open();
    await this.unlessTaken('let go', async () => {
      const revision = await this.ownRevision(kv);
      if (revision !== null) await kv.delete(this.key, { previousSeq: revision });
    });
  }

  /** Of the entry, if it is this holder's; another's is left to be found in the way. */
  private async ownRevision(kv: KV): Promise<number | null> {
    const entry = await kv.get(this.key);
    return entry?.operation === 'PUT' && entry.string() === this.holder ? entry.revision : null;
  }

  /** False: it is another's. */
  private unlessTaken(verb: string, work: () => Promise<void>): Promise<boolean> {
    return this.link.ask(`${verb} the lease of probe ${this.key}`, async () => {
      try {
        await work();
        return true;
      } catch (error) {
        if (isApiError(error, apiCodes.wrongLastSequence)) return false;
        throw error;
      }
    });
  }
}
