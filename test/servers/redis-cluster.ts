import { Redis } from 'ioredis';
import { freePort } from './loopback.js';
import { type RedisServer, startRedis } from './redis.js';
import { until } from './until.js';

export interface RedisCluster {
  /** The masters; their slots are even parts, in this order. */
  readonly nodes: readonly RedisServer[];
  /** The master of the slot of a key. */
  masterOf(key: string): Promise<RedisServer>;
  /** Moves the slot of a key to another master, as an operator does: key by key, then by telling all nodes. */
  moveSlot(key: string, to: RedisServer, progress: (left: number) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export interface RedisClusterOptions {
  readonly masters?: number;
  /** Settings of each, as on its command line. */
  readonly args?: readonly string[];
}

const slots = 16_384;

/** Starts masters on loopback that share the slots; resolves when each says that the cluster is ok. */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, args = [] } = options;
  const busPorts = await Promise.all(Array.from({ length: masters }, freePort));
  const nodes = await Promise.all(
    busPorts.map((port) => startRedis({ args: [...clusterArgs(port), ...args] })),
  );
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
  return {
    nodes,
    masterOf: (key) => masterOf(nodes, key),
    moveSlot: (key, to, progress) => moveSlot(nodes, key, to, progress),
    stop,
  };
}

async function masterOf(nodes: readonly RedisServer[], key: string): Promise<RedisServer> {
  for (const node of nodes) {
    const answer = await withClient(node, (client) => client.call('EXISTS', key)).catch(String);
    if (typeof answer === 'number') return node;
  }
  throw new Error(`no master has the slot of ${key}`);
}

async function moveSlot(
  nodes: readonly RedisServer[],
  key: string,
  to: RedisServer,
  progress: (left: number) => Promise<void>,
): Promise<void> {
  const from = await masterOf(nodes, key);
  const idOf = (node: RedisServer) => withClient(node, (client) => client.call('CLUSTER', 'MYID'));
  const [fromId, toId] = [String(await idOf(from)), String(await idOf(to))];
  await withClient(from, async (source) => {
    const slot = Number(await source.call('CLUSTER', 'KEYSLOT', key));
    const tell = (node: RedisServer, ...what: string[]) =>
      withClient(node, (client) => client.call('CLUSTER', 'SETSLOT', slot, ...what));
    await tell(to, 'IMPORTING', fromId);
    await tell(from, 'MIGRATING', toId);
    for (;;) {
      const keys = (await source.call('CLUSTER', 'GETKEYSINSLOT', slot, 10_000)) as string[];
      await progress(keys.length);
      if (keys.length === 0) break;
      await source.call('MIGRATE', to.host, to.port, keys[0] ?? '', 0, 5_000);
    }
    for (const node of [to, from, ...nodes]) await tell(node, 'NODE', toId);
  });
}

async function withClient<R>(node: RedisServer, work: (client: Redis) => Promise<R>): Promise<R> {
  const client = new Redis({ host: node.host, port: node.port, retryStrategy: null, lazyConnect: true });
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
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
