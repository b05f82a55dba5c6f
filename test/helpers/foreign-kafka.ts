import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import type { Channel } from '../../src/ports.js';
import { until } from '../servers/until.js';
import { analyserGroupOf, streamOf } from './fleet.js';
import { type Foreign, Listening } from './foreign.js';

export async function kafkaForeign(brokers: string, fleet: string): Promise<Foreign> {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const [producer, admin] = [kafka.producer(), kafka.admin()];
  await Promise.all([producer.connect(), admin.connect()]);
  const closing: (() => Promise<void>)[] = [() => producer.disconnect(), () => admin.disconnect()];
  const topicOf = (channel: Channel): string => `${fleet}.${streamOf(channel)}`;
  return {
    send: async (channel, { tenant, pairId }, ...bodies) => {
      const key = channel === 'interactions' ? pairId : `${tenant}/${pairId}`;
      await producer.send({
        topic: topicOf(channel),
        messages: bodies.map((value) => ({ key, value })),
      });
    },
    listen: async (channel) => {
      const topic = topicOf(channel);
      await until(`topic ${topic} is there`, async () => (await admin.listTopics()).includes(topic));
      const listening = new Listening();
      const consumer = kafka.consumer({ groupId: `foreign-${randomUUID()}` });
      closing.push(() => consumer.disconnect());
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message: { key, headers, value } }) =>
          listening.add({
            address: String(key),
            headers: Object.fromEntries(
              Object.entries(headers ?? {}).map(([name, header]) => [name, String(header)]),
            ),
            body: String(value),
          }),
      });
      return listening;
    },
    unacknowledged: async (channel) => {
      const topic = topicOf(channel);
      const group = analyserGroupOf(fleet);
      const groupId = channel === 'interactions' ? group : `${group}-${channel}`;
      const [ends, [committed]] = await Promise.all([
        admin.fetchTopicOffsets(topic),
        admin.fetchOffsets({ groupId, topics: [topic] }),
      ]);
      // -1: nothing was committed yet.
      const read = new Map(
        committed?.partitions.map(({ partition, offset }) => [partition, Math.max(0, Number(offset))]),
      );
      return ends.reduce((sum, { partition, high }) => sum + Number(high) - (read.get(partition) ?? 0), 0);
    },
    close: async () => {
      await Promise.all(closing.map((close) => close()));
    },
  };
}
