import { Redis } from 'ioredis';
import { freePort } from './loopback.js';
import { type RedisServer, startRedis } from './redis.js';
import { until } from './until.js';

export interface RedisCluster {
  /** The masters; their slots are even parts, in this order. */
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

const slots = 16_384;

/** Starts masters on loopback that share the slots; resolves when each says that the cluster is ok. */
export async function startRedisCluster({ masters = 3 } = {}): Promise<RedisCluster> {
  const busPorts = await Promise.all(Array.from({ length: masters }, freePort));
  const nodes = await Promise.all(busPorts.map((port) => startRedis({ args: clusterArgs(port) })));
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.stop())));
  const clients = nodes.map(({ url }) => new Redis(url));
  try {
    await join(clients, nodes, busPorts);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    for (const client of clients) client.disconnect();
  }
  return { nodes, stop };
}

const clusterArgs = (busPort: number): readonly string[] => [
  ...['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'],
  ...['--cluster-port', String(busPort), '--cluster-node-timeout', '2000'],
];

async function join(
  clients: readonly Redis[],
  nodes: readonly RedisServer[],
  busPorts: readonly number[],
): Promise<void> {
  for (const [index, client] of clients.entries()) {
    const first = Math.floor((index * slots) / clients.length);
    const last = Math.floor(((index + 1) * slots) / clients.length) - 1;
    await client.call('CLUSTER', 'ADDSLOTSRANGE', first, last);
    await client.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    for (const [other, { host, port }] of nodes.entries())
      if (other < index) await client.call('CLUSTER', 'MEET', host, port, busPorts[other] ?? 0);
  }
  for (const client of clients) await until('the Redis Cluster is ok', () => isOk(client, clients.length));
}

async function isOk(client: Redis, nodes: number): Promise<boolean> {
  const info = String(await client.call('CLUSTER', 'INFO'));
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes}\r`);
}
