import { Redis } from 'ioredis';
import { beforeAll, expect, it } from 'vitest';
import type { NatsBroker } from '../../src/streams/nats/broker.js';
import { describeWithServer } from '../servers/describe.js';
import { type NatsServer, startNats } from '../servers/nats.js';
import { type RedisServer, startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';
import { brokerOf, optionsFor } from '../streams/nats/given.js';
import type { Move } from './given.js';
import { isProjecting, projecting, publish, reads, unique } from './running.js';

describeWithServer(
  ['redis', 'nats'],
  'the projector in bad weather',
  () => {
    let nats: NatsServer;
    let server: RedisServer;
    let redis: Redis;
    beforeAll(async () => {
      [nats, server] = await Promise.all([startNats({ own: true }), startRedis({ own: true })]);
      redis = new Redis(server.url, { maxRetriesPerRequest: null });
      redis.on('error', () => {});
      return () => redis.disconnect();
    });

    /** Once it answers again. */
    const published = (broker: NatsBroker, move: Move): Promise<boolean> =>
      until('it is published', async () => publish(broker, move).then(() => true));

    it('makes the keys again that a Redis lost, whether it was away for long or not', async () => {
      const broker = await brokerOf(optionsFor(nats.url));
      const [a, b] = [unique('a'), unique('b')];
      const { projector, told } = await projecting({ broker, redisUrl: server.url, leaseMs: 1_000 });
      await publish(broker, { agents: [a, a], to: 'OPEN', transition: 1 });
      await reads(redis, a, '2 0.250000');
      await server.kill();
      await server.restart();
      await reads(redis, a, '2 0.250000');
      await server.kill();
      await until('the lease is over', async () => !projector.counts.projecting);
      await publish(broker, { agents: [b, b], to: 'TERMINATED', transition: 1 });
      await server.restart();
      await reads(redis, b, '3 0.250000');
      await reads(redis, a, '2 0.250000');
      expect(projector.counts.foreignWrites).toBe(0);
      expect(told.map(({ agentId }) => agentId)).toEqual([a]);
    });

    it('goes on where it was when NATS is back', async () => {
      const broker = await brokerOf(optionsFor(nats.url));
      const [a, b] = [unique('a'), unique('b')];
      const running = await projecting({ broker, redisUrl: server.url });
      await publish(broker, { agents: [a, a], to: 'OPEN', transition: 1 });
      await reads(redis, a, '2 0.250000');
      await nats.kill();
      await nats.restart();
      await published(broker, { agents: [b, b], to: 'OPEN', transition: 1 });
      await reads(redis, b, '2 0.250000');
      await isProjecting(running);
      expect(running.told.map(({ agentId }) => agentId)).toEqual([a, b]);
    });
  },
  { own: true },
);
