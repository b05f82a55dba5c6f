import type { Lease, ProbedPair, Probes } from '../../ports.js';
import {
  type ConnectionListener,
  connectRedis,
  disconnect,
  type RedisClient,
  type RedisConnection,
} from './connection.js';
import { defaultPrefix, probeKey } from './layout.js';
import { RedisLease } from './lease.js';

export interface ProbeRedisOptions {
  readonly connection: RedisConnection;
  readonly prefix?: string;
  readonly onStatus: ConnectionListener;
}

/** Who is the probe of a pair, as a key that lapses: one for each number of its circuit. */
export class RedisProbes implements Probes {
  constructor(
    private readonly client: RedisClient,
    private readonly url: string,
    private readonly prefix: string,
  ) {}

  lease({ tenant, pairId, transition }: ProbedPair, holder: string, lastsMs: number): Lease {
    const key = probeKey(this.prefix, tenant, pairId, transition);
    return new RedisLease(this.client, this.url, key, lastsMs, holder);
  }
}

/** @throws FulcrumError `config`, `denied` or `unavailable` */
export async function openProbeRedis(
  options: ProbeRedisOptions,
): Promise<{ readonly probes: Probes; readonly close: () => void }> {
  const { connection, prefix = defaultPrefix, onStatus } = options;
  const client = await connectRedis(connection, onStatus);
  return {
    probes: new RedisProbes(client, connection.url, prefix),
    close: () => disconnect(client),
  };
}
