import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Broker, EventSink } from '../../src/ports.js';
import { makePairId } from '../../src/trust/pair.js';
import { command } from '../contract/store/given.js';
import { FleetOnServers } from '../recovery/on-servers.js';
import { describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';
import { GivenKafka } from '../streams/kafka/given.js';
import { brokerOf, optionsFor } from '../streams/nats/given.js';

/** A sink whose next messages wait until it is let go on, as under a process that is stopped. */
function stopping() {
  let stopped: Promise<void> = Promise.resolve();
  let goOn = (): void => {};
  let waits = false;
  return {
    stop: () => {
      stopped = new Promise((resolve) => {
        goOn = resolve;
      });
    },
    goOn: () => goOn(),
    get waits() {
      return waits;
    },
    around: (sink: EventSink): EventSink => ({
      publish: async (messages) => {
        waits = true;
        await stopped;
        waits = false;
        await sink.publish(messages);
      },
    }),
  };
}

/** Ends with the newest event of the pair, whatever a relay that slept has published in between. */
async function correctsLateRepeats(connect: () => Promise<Broker>, records: readonly string[]) {
  const redis = await startRedis({ own: true });
  onTestFinished(() => redis.stop());
  const fleet = new FleetOnServers(connect, redis.url);
  const sleeper = stopping();
  const { store } = await fleet.start({ circuits: sleeper.around });
  await fleet.publish(48);
  await fleet.counted(store);
  await until('all is published', async () => (await store.outbox.read(1)).length === 0);
  sleeper.stop();
  const now = Date.now() / 1_000;
  const pair = { agentA: 'a1', agentB: 'hub', nowMs: Date.now() };
  await store.command(command('terminate', now - 10, pair));
  await until('it sleeps with an event in hand', async () => sleeper.waits);
  await fleet.start();
  const ofPair = async () =>
    (await fleet.circuits()).filter(({ data }) => data.pair_id === makePairId('a1', 'hub'));
  await until('another publishes it', async () => (await ofPair()).at(-1)?.data.to === 'TERMINATED', 15_000);
  const before = (await ofPair()).length - 1;
  await store.command(command('reset', now, pair));
  await until('and the next', async () => (await ofPair()).at(-1)?.type.includes('.reset.') === true);
  sleeper.goOn();
  const seen = async () => (await ofPair()).slice(before).map(({ type }) => type.split('.').at(-2));
  await until('the newest is the last again', async () => (await seen()).length === records.length);
  expect(await seen()).toEqual(records);
  const [, newest] = (await ofPair()).slice(before);
  expect((await ofPair()).at(-1)).toEqual(newest);
}

describeWithServer(
  'redis',
  'a relay that slept while another took over',
  () => {
    describeWithServer('nats', 'on NATS', () => {
      let url = '';
      beforeAll(async () => {
        ({ url } = await startNats());
      });

      it('publishes the newest event once more; the server has dropped its repeat', async () => {
        const options = optionsFor(url);
        await correctsLateRepeats(() => brokerOf(options), ['terminated', 'reset', 'reset']);
      });
    });

    describeWithServer('kafka', 'on Kafka', () => {
      const kafka = new GivenKafka();

      it('publishes the newest event once more, behind its repeat', async () => {
        const options = kafka.options();
        const records = ['terminated', 'reset', 'terminated', 'reset'];
        await correctsLateRepeats(() => kafka.connect(options), records);
      });
    });
  },
  { own: true },
);
