import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { libraryPath } from './find.js';
import { firstLine, freePort, loopback } from './loopback.js';
import { ServerProcess, serverFolder } from './process.js';
import { type RedisServer, startRedis } from './redis.js';
import { ownServerFor } from './server.js';
import { until } from './until.js';

interface Address {
  readonly host: string;
  readonly port: number;
  readonly password?: string;
}

type Node = RedisServer & { readonly password: string };

interface Sentinel extends Address {
  stop(): Promise<void>;
}

export interface RedisSentinel {
  readonly sentinels: readonly Address[];
  readonly masterName: string;
  /** In the beginning the master and its replica. */
  readonly nodes: readonly [RedisServer, RedisServer];
  /** Makes the replica the master; resolves with the new master once it takes writes. */
  failover(): Promise<RedisServer>;
  stop(): Promise<void>;
}

const masterName = 'fulcrum';

/** Starts a master, a replica and one sentinel that watches both; with a password all three want it. */
export async function startRedisSentinel({ password = '' } = {}): Promise<RedisSentinel> {
  const args = ['--repl-diskless-sync-delay', '0'];
  if (password !== '') args.push('--requirepass', password, '--masterauth', password);
  const master = await startRedis({ args });
  const replica = await startRedis({ args: [...args, '--replicaof', `${master.host} ${master.port}`] });
  const nodes = [master, replica].map((node) => Object.assign(node, { password })) as [Node, Node];
  await until('the replica follows its master', () => hasReplica(nodes[0]));
  const sentinel = await startSentinel(master.port, password);
  const stop = async (): Promise<void> => {
    await Promise.all([sentinel.stop(), ...nodes.map((node) => node.stop())]);
  };
  await until('the sentinel knows the replica', async () => {
    const replicas = await ask(sentinel, 'SENTINEL', 'REPLICAS', masterName);
    return Array.isArray(replicas) && replicas.length === 1;
  });
  return {
    sentinels: [{ host: sentinel.host, port: sentinel.port }],
    masterName,
    nodes,
    failover: () => failover(sentinel, nodes),
    stop,
  };
}

async function startSentinel(masterPort: number, password: string): Promise<Sentinel> {
  const [port, folder] = [await freePort(), serverFolder('sentinel')];
  // Sentinel keeps what it learns in its configuration file.
  const file = join(folder.data, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    `bind ${loopback}`,
    `sentinel monitor ${masterName} ${loopback} ${masterPort} 1`,
    `sentinel down-after-milliseconds ${masterName} 1000`,
    `sentinel failover-timeout ${masterName} 3000`,
  ];
  if (password !== '') lines.push(`requirepass ${password}`, `sentinel auth-pass ${masterName} ${password}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const { path } = ownServerFor('redis');
  const server = await ServerProcess.start({
    name: 'sentinel',
    command: path,
    args: [file, '--sentinel'],
    env: libraryPath(path),
    ready: () => firstLine({ host: loopback, port, say: 'PING\r\n' }),
    folder,
  });
  return { host: loopback, port, password, stop: () => server.stop() };
}

/** A replica that is called online may not have been sent anything yet: one that acknowledges has. */
async function hasReplica(master: Node): Promise<boolean> {
  const client = clientOf(master);
  try {
    await client.publish('', '');
    return (await client.wait(1, 1_000)) === 1;
  } finally {
    client.disconnect();
  }
}

async function failover(sentinel: Sentinel, nodes: readonly Node[]): Promise<RedisServer> {
  const before = await masterPort(sentinel);
  // It refuses until it has heard from the replica itself.
  await until('the sentinel begins a failover', () => ask(sentinel, 'SENTINEL', 'FAILOVER', masterName));
  return until('the sentinel has another master', async () => {
    const port = await masterPort(sentinel);
    const master = nodes.find((node) => node.port === port);
    if (port === before || master === undefined) return false;
    return String(await ask(master, 'INFO', 'replication')).includes('role:master') && master;
  });
}

async function masterPort(sentinel: Sentinel): Promise<number> {
  const address = await ask(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName);
  return Number(Array.isArray(address) ? address[1] : undefined);
}

/** One command on a connection of its own. */
async function ask(address: Address, command: string, ...args: readonly string[]): Promise<unknown> {
  const client = clientOf(address);
  try {
    return await client.call(command, ...args);
  } finally {
    client.disconnect();
  }
}

function clientOf({ host, port, password = '' }: Address): Redis {
  const auth = password === '' ? {} : { password };
  const client = new Redis({ host, port, ...auth, retryStrategy: null });
  // The call that fails says it.
  return client.on('error', () => {});
}
