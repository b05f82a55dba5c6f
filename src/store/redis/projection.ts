/** What projections have in Redis: the lease beside the trust state, and the keys of agents there or elsewhere. */
import { FulcrumError } from '../../errors.js';
import type { AgentKeys, Lease } from '../../ports.js';
import { RedisAgentKeys } from './agent-keys.js';
import {
  type ConnectionListener,
  connectRedis,
  disconnect,
  parseUrl,
  type RedisConnection,
} from './connection.js';
import { defaultPrefix, projectorKey } from './layout.js';
import { RedisLease } from './lease.js';

export interface ProjectionRedisOptions {
  /** Where the trust state is. */
  readonly state: RedisConnection & { readonly prefix?: string };
  /** Where the keys of agents are; null: there are none. */
  readonly keys: RedisConnection | null;
  /** How long the lease holds without a renewal, in ms. @defaultValue 5000 */
  readonly leaseMs?: number;
  readonly onStatus: ConnectionListener;
}

export interface ProjectionRedis {
  readonly lease: Lease;
  readonly keys: AgentKeys | null;
  close(): void;
}

/** @throws FulcrumError `config`, `denied` or `unavailable` */
export async function openProjectionRedis(options: ProjectionRedisOptions): Promise<ProjectionRedis> {
  const { state, keys, leaseMs = 5_000, onStatus } = options;
  const stateClient = await connectRedis(state, onStatus);
  try {
    const elsewhere = keys === null || keys.url === state.url ? null : await connectRedis(keys, onStatus);
    const lease = new RedisLease(
      stateClient,
      state.url,
      projectorKey(state.prefix ?? defaultPrefix),
      leaseMs,
    );
    return {
      lease,
      keys:
        keys === null
          ? null
          : new RedisAgentKeys(elsewhere ?? stateClient, keys.url, elsewhere === null ? lease : null),
      close: () => {
        if (elsewhere !== null) disconnect(elsewhere);
        disconnect(stateClient);
      },
    };
  } catch (error) {
    disconnect(stateClient);
    throw error;
  }
}

/**
 * Readers of agent keys know one server, not slots.
 *
 * @param option the config key that names it, for the error.
 * @throws FulcrumError `config` when it is a cluster
 */
export function refuseCluster(url: string, option: string): void {
  if (parseUrl(url).kind !== 'cluster') return;
  throw new FulcrumError(
    'config',
    `${option} is a Redis Cluster, and the keys of agents are read from one server: name that in projection.redisUrl, ` +
      'or set projection.agentKeys to false',
  );
}
