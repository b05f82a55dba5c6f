import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { makeCertificates, opensslIsThere } from './certificates.js';
import { describeWithServer } from './describe.js';
import { startRedis } from './redis.js';
import { startRedisCluster } from './redis-cluster.js';
import { startRedisSentinel } from './redis-sentinel.js';

describeWithServer(
  'redis',
  'a Redis server of a test',
  () => {
    test('comes up, and comes back after a crash with what it had synced', async () => {
      const server = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
      const client = connect(server.url);
      await client.set('agent', 'ann');
      await server.kill();
      await server.restart();
      expect(await client.get('agent')).toBe('ann');
      await server.restart();
      expect(await client.get('agent')).toBe('ann');
    });

    test('is ready when it wants a password', async () => {
      const server = await startRedis({ args: ['--requirepass', 'secret'] });
      expect(await connect(server.url, { password: 'secret' }).ping()).toBe('PONG');
    });

    test.runIf(opensslIsThere())('speaks TLS under a certificate of our authority', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'fulcrum-test-tls-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const tls = makeCertificates(folder);
      const server = await startRedis({ tls });
      expect(await connect(server.url, { tls: { ca: readFileSync(tls.ca) } }).ping()).toBe('PONG');
    });

    test('three masters are a cluster that takes any key', async () => {
      const { nodes } = await startRedisCluster();
      const cluster = new Cluster(nodes.map(({ host, port }) => ({ host, port })));
      onTestFinished(() => cluster.disconnect());
      for (const key of ['ann', 'bob', 'cid', 'dan', 'eve', 'fay']) await cluster.set(key, key);
      expect(await cluster.get('fay')).toBe('fay');
      expect(cluster.nodes('master')).toHaveLength(3);
    });

    test('a sentinel leads to the new master after a failover', async () => {
      const { sentinels, masterName, nodes, failover } = await startRedisSentinel();
      const client = new Redis({ sentinels: [...sentinels], name: masterName });
      onTestFinished(() => client.disconnect());
      await client.set('agent', 'ann');
      await client.wait(1, 5000);
      const master = await failover();
      expect(master).toBe(nodes[1]);
      expect(await connect(master.url).get('agent')).toBe('ann');
    });
  },
  { own: true },
);

describeWithServer('redis', 'the Redis server that the tests use', () => {
  test('answers', async () => {
    const server = await startRedis();
    expect(await connect(server.url).ping()).toBe('PONG');
    await server.stop();
  });
});

function connect(url: string, options: Pick<RedisOptions, 'password' | 'tls'> = {}): Redis {
  const client = new Redis(url, options);
  // A server that is killed takes the connection with it; the client comes back by itself.
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  return client;
}
