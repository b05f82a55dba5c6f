import { Redis } from 'ioredis';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';
import type { RedisServer } from '../servers/redis.js';
import { startRedisCluster } from '../servers/redis-cluster.js';
import { startRedisSentinel } from '../servers/redis-sentinel.js';
import { brokerOf, optionsFor } from '../streams/nats/given.js';
import { FleetOnServers } from './on-servers.js';

const password = 'secret';

async function tell(
  { url }: RedisServer,
  command: string,
  args: readonly string[],
  options: { password?: string } = {},
): Promise<unknown> {
  const client = new Redis(url, options);
  return client.call(command, ...args).finally(() => client.disconnect());
}

describeWithServer(
  'redis',
  'what is lost',
  () => {
    describeWithServer('nats', 'under a log on NATS', () => {
      let nats = '';
      beforeAll(async () => {
        ({ url: nats } = await startNats());
      });

      function fleetOn(redisUrl: string): FleetOnServers {
        const options = optionsFor(nats);
        return new FleetOnServers(() => brokerOf(options), redisUrl);
      }

      it('when Sentinel makes a replica the master that lagged behind comes back', async () => {
        const sentinel = await startRedisSentinel({ password });
        onTestFinished(() => sentinel.stop());
        const hosts = sentinel.sentinels.map(({ host, port }) => `${host}:${port}`).join(',');
        const fleet = fleetOn(`redis+sentinel://:${password}@${hosts}/${sentinel.masterName}`);
        const { store, recovered } = await fleet.start();
        await fleet.publish(500);
        await fleet.counted(store);
        const [master, replica] = sentinel.nodes;
        // It cannot come back to its master, and has what it has.
        await tell(replica, 'CONFIG', ['SET', 'masterauth', 'wrong'], { password });
        await tell(master, 'CLIENT', ['KILL', 'TYPE', 'REPLICA'], { password });
        await fleet.publish(300);
        await fleet.counted(store);
        await master.kill();
        await sentinel.failover();
        expect(await recovered()).toMatch(/ 300 of \d+ interactions were not there/);
        await fleet.publish(100);
        await fleet.counted(store);
        await fleet.expectExact(store);
      });

      it('when one master of a cluster comes back with what it had before comes back', async () => {
        const cluster = await startRedisCluster();
        onTestFinished(() => cluster.stop());
        const hosts = cluster.nodes.map(({ host, port }) => `${host}:${port}`).join(',');
        const fleet = fleetOn(`redis+cluster://${hosts}`);
        const { store, recovered } = await fleet.start();
        await fleet.publish(600);
        await fleet.counted(store);
        const [, node] = cluster.nodes as [RedisServer, RedisServer];
        await tell(node, 'SAVE', []);
        await fleet.publish(400);
        await fleet.counted(store);
        await node.kill();
        await fleet.publish(100);
        await node.restart();
        const line = await recovered(40_000);
        // What the other masters had is a repeat there.
        const [, lost = '', all = ''] = / (\d+) of (\d+) interactions/.exec(line) ?? [];
        expect(Number(lost)).toBeGreaterThan(0);
        expect(Number(lost)).toBeLessThan(Number(all));
        await fleet.counted(store);
        await fleet.expectExact(store);
      });
    });
  },
  { own: true },
);
