import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithServer } from '../servers/describe.js';
import { type RedisServer, startRedis } from '../servers/redis.js';
import { clientContract, connected, tenantOf, tryToProbe } from './contract.js';
import { fleetOnKafka, type RunningFleet } from './running.js';

describeWithServer(
  'kafka',
  'a client on Kafka',
  // A pair remembers its newest eight ids: what is sent again is told by them alone.
  () => clientContract({ start: fleetOnKafka, probes: false, pairs: 500 }),
  { own: true },
);

describeWithServer(
  ['kafka', 'redis'],
  'clients on Kafka with Redis',
  () => {
    let fleet: RunningFleet;
    let redis: RedisServer;
    beforeAll(async () => {
      [fleet, redis] = await Promise.all([fleetOnKafka(), startRedis({ own: true })]);
    });
    afterAll(() => fleet.stop());

    it('let one probe through among all of them', async () => {
      const options = { ...fleet.address, tenant: tenantOf('cooling'), whenStale: 'failOpen' } as const;
      const open = () => connected({ ...options, redis: redis.url });
      const clients = await Promise.all([open(), open(), open()]);
      const { made, refused, closed } = await tryToProbe(clients);
      expect([made, refused.length]).toEqual([1, 8]);
      await Promise.all(closed);
    }, 60_000);

    it('let none through while Redis is away', async () => {
      const options = { ...fleet.address, tenant: tenantOf('cooling'), whenStale: 'failOpen' } as const;
      const client = await connected({ ...options, redis: redis.url });
      await redis.kill();
      const { made, refused } = await tryToProbe([client]);
      expect(made).toBe(0);
      for (const { reason, cause } of refused)
        expect([reason, cause]).toEqual(['half_open', expect.objectContaining({ code: 'unavailable' })]);
    }, 60_000);
  },
  { own: true },
);
