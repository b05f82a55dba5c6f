import { Redis } from 'ioredis';
import { beforeAll, expect, it } from 'vitest';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';
import { GivenKafka } from '../streams/kafka/given.js';
import { circuitMessageOf } from './given.js';
import { projecting, publish, readAgent, reads, unique } from './running.js';

describeWithServer(['redis', 'kafka'], 'the projector on Kafka', () => {
  const kafka = new GivenKafka();
  let redisUrl = '';
  let redis: Redis;
  beforeAll(async () => {
    ({ url: redisUrl } = await startRedis());
    redis = new Redis(redisUrl);
    return () => redis.disconnect();
  });

  it('reads up every partition before it writes, then follows', async () => {
    const broker = await kafka.connect(kafka.options({ partitions: 3 }));
    const hub = unique('hub');
    const others = Array.from({ length: 12 }, (_, i) => unique(`agent${i}`));
    // They lie in all partitions, the worst in any.
    for (const [i, other] of others.entries()) {
      await publish(broker, { agents: [hub, other], to: 'OPEN', transition: 1, score: 0.2 });
      if (i !== 7) await publish(broker, { agents: [hub, other], to: 'CLOSED', transition: 2, score: 0.6 });
    }
    await publish(broker, { agents: [hub, 'elsewhere'], to: 'TERMINATED', transition: 1, tenant: 'other' });
    const { told } = await projecting({ broker, redisUrl });
    await reads(redis, hub, '2 0.200000');
    expect(await Promise.all(others.map((other) => readAgent(redis, other)))).toEqual(
      others.map((_, i) => (i === 7 ? '2 0.200000' : '0 0.600000')),
    );
    expect(told).toEqual([]);

    const tripped = others[7] ?? '';
    await publish(broker, { agents: [hub, tripped], to: 'CLOSED', transition: 2, score: 0.5 });
    await broker.sink.publish([circuitMessageOf({ agents: [hub, tripped], to: 'OPEN', transition: 1 })]);
    await reads(redis, hub, '0 0.500000');
    await publish(broker, { agents: [tripped, tripped], to: 'HALF_OPEN', transition: 1, score: 0.3 });
    await reads(redis, tripped, '1 0.300000');
    await until('all is told', async () => told.length === 3);
    expect(told.map(({ agentId, state }) => `${agentId} ${state}`)).toEqual([
      `${hub} 0`,
      `${tripped} 0`,
      `${tripped} 1`,
    ]);
  });
});
