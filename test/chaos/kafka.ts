import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Admin, Kafka, type KafkaMessage, logLevel, type Producer } from 'kafkajs';
import type { Channel } from '../../src/ports.js';
import { startKafka } from '../servers/kafka.js';
import { type ChaosBroker, channels, type LogRecord } from './broker.js';
import type { Sent } from './load.js';

const topics: Record<Channel, string> = {
  interactions: 'fulcrum.trust.interactions',
  commands: 'fulcrum.trust.commands',
  circuits: 'fulcrum.trust.circuits',
  'dead-letters': 'fulcrum.trust.dead-letters',
  analyses: 'fulcrum.trust.analyses',
};
const groups = { interactions: 'fulcrum-processor', commands: 'fulcrum-processor-commands' } as const;
const partitions = 4;
/** Records that wait for their reader, about. */
const mostWaiting = 20_000;

/** @param sessionTimeoutMs after which processors are taken for dead */
export async function startChaosKafka(sessionTimeoutMs: number): Promise<ChaosBroker> {
  const server = await startKafka({ own: true });
  const kafka = new Kafka({
    brokers: [...server.brokers],
    clientId: 'chaos',
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { retries: 2, initialRetryTime: 100, maxRetryTime: 500 },
  });
  const admin = kafka.admin();
  await admin.connect();
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const settings = { sessionTimeoutMs, partitions };
  return {
    source: 'kafka',
    server,
    args: [
      ...['--source', 'kafka', '--kafka', server.brokers.join(',')],
      ...Object.entries(settings).flatMap(([key, value]) => ['--set', `kafka.${key}=${value}`]),
    ],
    publish: (batch) => publish(producer, batch),
    lag: () => lag(admin),
    read: reader(kafka, admin),
    close: async () => {
      await Promise.race([Promise.allSettled([producer.disconnect(), admin.disconnect()]), pause(3_000)]);
      await server.stop();
    },
  };
}

async function publish(producer: Producer, batch: readonly Sent[]): Promise<void> {
  const ofTopic = (channel: Sent['channel']) => ({
    topic: topics[channel],
    messages: batch
      .filter((sent) => sent.channel === channel)
      .map(({ tenant, pairId, headers, body }) => ({
        key: channel === 'commands' ? `${tenant}/${pairId}` : pairId,
        value: body,
        headers,
      })),
  });
  const topicMessages = [ofTopic('interactions'), ofTopic('commands')].filter(
    ({ messages }) => messages.length > 0,
  );
  for (;;)
    try {
      await producer.sendBatch({ topicMessages, acks: -1 });
      return;
    } catch {
      await pause(100);
    }
}

async function lag(admin: Admin): Promise<number> {
  let open = 0;
  for (const channel of ['interactions', 'commands'] as const) {
    const topic = topics[channel];
    const ends = await admin.fetchTopicOffsets(topic);
    const [group] = await admin.fetchOffsets({ groupId: groups[channel], topics: [topic] });
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    for (const { partition, high } of ends) open += Number(high) - Math.max(0, committed.get(partition) ?? 0);
  }
  return open;
}

function reader(kafka: Kafka, admin: Admin): ChaosBroker['read'] {
  const positions = new Map<string, number>();
  const next = (log: string): number => positions.get(log) ?? 0;
  return async function* () {
    /** Where the logs end that have something new. */
    const ends = new Map<string, number>();
    const places: { topic: string; partition: number; offset: string }[] = [];
    const present = new Set(await admin.listTopics());
    // That of dead letters is made with the first of them.
    const read = Object.values(topics).filter((topic) => present.has(topic));
    for (const topic of read)
      for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
        const log = logOf(topic, partition);
        places.push({ topic, partition, offset: String(next(log)) });
        if (Number(high) > next(log)) ends.set(log, Number(high));
      }
    if (ends.size === 0) return;
    const waiting: LogRecord[] = [];
    let wake = (): void => {};
    const groupId = `chaos-${randomUUID()}`;
    const consumer = kafka.consumer({ groupId, sessionTimeout: 6_000, allowAutoTopicCreation: false });
    await consumer.connect();
    try {
      await consumer.subscribe({ topics: read, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          while (waiting.length > mostWaiting) await pause(5);
          for (const message of batch.messages) waiting.push(recordOf(batch.topic, batch.partition, message));
          wake();
        },
      });
      for (const place of places) consumer.seek(place);
      while (ends.size > 0) {
        if (waiting.length === 0)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        for (const record of waiting.splice(0)) {
          const { log, position } = record;
          if (position < next(log)) continue;
          positions.set(log, position + 1);
          yield record;
          if (position + 1 >= (ends.get(log) ?? 0)) ends.delete(log);
        }
      }
    } finally {
      await consumer.disconnect();
      await admin.deleteGroups([groupId]).catch(() => {});
    }
  };
}

const logOf = (topic: string, partition: number): string => `${topic}/${partition}`;

function recordOf(topic: string, partition: number, message: KafkaMessage): LogRecord {
  const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    String(Array.isArray(value) ? value.at(-1) : value),
  ]);
  return {
    channel: channels.find((channel) => topics[channel] === topic) ?? 'circuits',
    log: logOf(topic, partition),
    position: Number(message.offset),
    tenant: null,
    receivedAt: Number(message.timestamp) / 1_000,
    headers: Object.fromEntries(headers),
    body: message.value ?? new Uint8Array(),
  };
}
