import { type Admin, Kafka, logLevel } from 'kafkajs';
import { KafkaBroker } from '#dist/streams/kafka/broker.js';
import { defaultKafkaOptions } from '#dist/streams/kafka/options.js';
import { startKafka } from '../../test/servers/kafka.js';
import { betweenMs, eventBody, pairIdOf } from '../events.js';
import { listen } from './listen.js';
import type { FilledLog, LiveLog } from './log.js';

const topic = defaultKafkaOptions.topics.interactions;
const partitions = 4;
/** Events of one request while the topic is filled. */
const filledAtATime = 1_000;
/** The tests' Kafka is small and starts fast; this one is to be quick for minutes. */
const javaFlags = ['-Xms1g', '-Xmx1g'];

/** Starts Kafka and fills a topic of four partitions through our own broker, as a producer of ours does. */
export async function filledKafka(events: number, pairs: number): Promise<FilledLog> {
  const server = await startKafka({ own: true, javaFlags });
  await fill(server.brokers, events, pairs);
  const address = server.brokers.join(',');
  const admin = clientOf(server.brokers).admin();
  await admin.connect();
  return {
    system: 'kafka',
    server,
    address,
    events,
    pairs,
    settings: (reader) => ['--set', `kafka.groupId=${reader}`],
    naives: [
      {
        name: 'naive',
        what: 'kafkajs eachMessage, one EVALSHA an event, its own commits, four partitions at once',
        file: 'kafka.js',
        args: (reader, redis) => [address, topic, reader, redis],
      },
    ],
    acknowledged: (reader) => committed(admin, reader),
    forget: async (reader) => void (await admin.deleteGroups([reader])),
    close: async () => {
      await admin.disconnect();
      await server.stop();
    },
  };
}

/** Starts Kafka with an empty topic of four partitions. */
export async function liveKafka(): Promise<LiveLog> {
  const server = await startKafka({ own: true, javaFlags });
  await fill(server.brokers, 0, 1);
  const listener = await KafkaBroker.connect({ ...defaultKafkaOptions, brokers: server.brokers, partitions });
  const producer = clientOf(server.brokers).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  return {
    system: 'kafka',
    server,
    address: server.brokers.join(','),
    // What was not taken has no circuit event, and is missed.
    send: (bodies) => {
      const messages = bodies.map(({ key, body }) => ({ key, value: body }));
      producer.send({ topic, acks: -1, messages }).catch(() => {});
    },
    onCircuit: async (heard) => listen(await listener.follow('circuits', 'now'), heard),
    close: async () => {
      await listener.close();
      await producer.disconnect();
      await server.stop();
    },
  };
}

function clientOf(brokers: readonly string[]): Kafka {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
}

async function committed(admin: Admin, groupId: string): Promise<number> {
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return (offsets?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
}

async function fill(brokers: readonly string[], events: number, pairs: number): Promise<void> {
  const broker = await KafkaBroker.connect({ ...defaultKafkaOptions, brokers, partitions });
  // Makes the topic, as a processor does.
  await (await broker.consume('interactions')).close();
  const startMs = Date.now() - betweenMs * events;
  for (let first = 0; first < events; first += filledAtATime) {
    const count = Math.min(filledAtATime, events - first);
    await broker.sink.publish(
      Array.from({ length: count }, (_, i) => ({
        channel: 'interactions',
        id: '',
        tenant: 'default',
        key: pairIdOf(first + i, pairs),
        headers: {},
        body: eventBody(first + i, pairs, startMs),
      })),
    );
  }
  await broker.close();
}
