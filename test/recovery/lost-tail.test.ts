import { Redis } from 'ioredis';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Broker } from '../../src/ports.js';
import { PolicyBook } from '../../src/trust/policies.js';
import { describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';
import { type RedisServer, startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';
import { GivenKafka } from '../streams/kafka/given.js';
import { brokerOf, optionsFor } from '../streams/nats/given.js';
import { FleetOnServers } from './on-servers.js';

/** One command on a connection of its own. */
async function tell({ url }: RedisServer, command: string, ...args: string[]): Promise<unknown> {
  const client = new Redis(url);
  return client.call(command, ...args).finally(() => client.disconnect());
}

type Connector = () => () => Promise<Broker>;

/** On NATS, then on Kafka. */
function onBrokers(name: string, onNats: (connector: Connector) => void, onKafka: typeof onNats): void {
  describeWithServer(
    'redis',
    name,
    () => {
      describeWithServer('nats', 'on NATS', () => {
        let url = '';
        beforeAll(async () => {
          ({ url } = await startNats());
        });
        onNats(() => {
          const options = optionsFor(url);
          return () => brokerOf(options);
        });
      });
      describeWithServer('kafka', 'on Kafka', () => {
        const kafka = new GivenKafka();
        onKafka(() => {
          const options = kafka.options();
          return () => kafka.connect(options);
        });
      });
    },
    { own: true },
  );
}

async function given(connector: Connector) {
  const redis = await startRedis({ own: true });
  onTestFinished(() => redis.stop());
  return { redis, fleet: new FleetOnServers(connector(), redis.url) };
}

function isReadAgain(connector: Connector): void {
  it('at a restart is read again, applied once, and told', async () => {
    const { redis, fleet } = await given(connector);
    const { store, lines, processor, recovered } = await fleet.start();
    await fleet.publish(600);
    await fleet.counted(store);
    await tell(redis, 'SAVE');
    await fleet.publish(400);
    await fleet.command('terminate', 'a3');
    await fleet.counted(store);
    await until(
      'it is terminated',
      async () => (await fleet.state(store, 'a3'))?.circuitState === 'TERMINATED',
    );
    await redis.kill();
    await redis.restart();
    await recovered();
    expect(lines).toEqual([
      expect.stringMatching(/may have lost writes: \d+ positions are read again/),
      expect.stringMatching(/400 of \d+ interactions were not there, beside [12] commands; 0 circuits/),
    ]);
    expect(processor.troubled).toEqual([]);
    expect((await fleet.state(store, 'a3'))?.circuitState).toBe('TERMINATED');
    await fleet.publish(100);
    await fleet.counted(store);
    await fleet.expectExact(store);
  });

  it('is read again while the batches go on, by each who notices, be it after it was taken over', async () => {
    const { redis, fleet } = await given(connector);
    const first = await fleet.start();
    const late = await fleet.open();
    await fleet.publish(600);
    await fleet.counted(first.store);
    expect(await late.mark([])).toBeNull();
    await tell(redis, 'SAVE');
    await fleet.publish(400);
    await fleet.counted(first.store);
    await redis.kill();
    await fleet.publish(200);
    await redis.restart();
    await first.recovered();
    const second = await fleet.start({ store: late });
    await fleet.publish(200);
    expect(await second.recovered()).toMatch(/^what the store lost is applied again: /);
    await fleet.counted(first.store);
    await fleet.expectExact(first.store);
  });
}

function comesOutRight(connector: Connector): void {
  it('of a reset is made void again by it, up to where it took effect', async () => {
    const { redis, fleet } = await given(connector);
    const { store, recovered } = await fleet.start();
    await fleet.publish(240);
    await fleet.counted(store);
    await tell(redis, 'SAVE');
    await fleet.publish(240);
    await fleet.counted(store);
    // Later than its own time: it takes effect at the last event that the pair had.
    fleet.resetAt.set('a3', fleet.ofAgent('a3').at(-1)?.time ?? 0);
    await fleet.command('reset', 'a3', fleet.begun);
    await until('it is reset', async () => (await fleet.state(store, 'a3')) === null);
    await fleet.publish(120);
    await fleet.counted(store);
    await redis.kill();
    await redis.restart();
    await recovered();
    await fleet.counted(store);
    await fleet.expectExact(store);
  });

  it('is told anew where it comes out otherwise than it was told', async () => {
    const { redis, fleet } = await given(connector);
    const { store, recovered } = await fleet.start();
    await fleet.publish(24);
    await fleet.counted(store);
    await tell(redis, 'SAVE');
    const ofPair = async () =>
      (await fleet.circuits()).filter(({ data }) => data.agent_a === 'a1').map(({ data }) => data);
    const before = (await fleet.state(store, 'a1'))?.circuitState;
    await until('its circuit has moved', async () => {
      await fleet.publish(24);
      return (await fleet.state(store, 'a1'))?.circuitState !== before;
    });
    await fleet.counted(store);
    const moved = await fleet.state(store, 'a1');
    await until('that is told', async () => (await ofPair()).at(-1)?.to === moved?.circuitState);
    // Under these nothing opens.
    fleet.book = new PolicyBook({ version: 2, default: { threshold: 1e-6 }, policies: [] });
    await redis.kill();
    await redis.restart();
    await recovered();
    await fleet.counted(store);
    await fleet.expectExact(store);
  });
}

onBrokers(
  'what Redis lost',
  (connector) => {
    isReadAgain(connector);
    comesOutRight(connector);
  },
  isReadAgain,
);

describeWithServer(
  'redis',
  'a Redis that was emptied',
  () => {
    describeWithServer('nats', 'under processors on NATS', () => {
      const refused = { code: 'mismatch', message: expect.stringMatching(/emptied.*rebuild.*--fresh/s) };

      async function given() {
        const [redis, { url }] = [await startRedis({ own: true }), await startNats()];
        onTestFinished(() => redis.stop());
        const options = optionsFor(url);
        const fleet = new FleetOnServers(() => brokerOf(options), redis.url);
        const running = await fleet.start();
        await fleet.publish(100);
        await fleet.counted(running.store);
        return { redis, fleet, ...running };
      }

      it.each(['FLUSHALL', 'DEL ft:meta', 'DEL ft:{5}:mark'])('by %s ends them', async (line) => {
        const { redis, running } = await given();
        const [command = '', ...keys] = line.split(' ');
        await tell(redis, command, ...keys);
        await expect(running).rejects.toMatchObject(refused);
      });

      it('lets nobody start who is not told to begin afresh', async () => {
        const { redis, fleet, processor } = await given();
        await processor.stop();
        await tell(redis, 'DEL', 'ft:{5}:mark');
        const { running } = await fleet.start({ store: await fleet.open(false) });
        await expect(running).rejects.toMatchObject(refused);
        await tell(redis, 'FLUSHALL');
        await expect(fleet.open(false)).rejects.toMatchObject(refused);
        const afresh = await fleet.start();
        await fleet.publish(10);
        await until('it works', async () => (await fleet.state(afresh.store, 'a5')) !== null);
      });
    });
  },
  { own: true },
);
