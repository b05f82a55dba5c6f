import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Admin, Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { makeCertificates, opensslIsThere } from './certificates.js';
import { describeWithServer } from './describe.js';
import { type KafkaServer, startKafka } from './kafka.js';

describeWithServer(
  'kafka',
  'a Kafka server of a test',
  () => {
    test('comes up, and comes back after a crash with its records', async () => {
      const server = await startKafka({ own: true });
      const topic = 'agents';
      await (await admin(server)).createTopics({ topics: [{ topic }], waitForLeaders: true });
      await publish(server, topic);
      await server.kill();
      await server.restart();
      expect(await (await admin(server)).fetchTopicOffsets(topic)).toMatchObject([{ high: '1' }]);
    });

    test.runIf(opensslIsThere())('wants TLS and a password', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'fulcrum-test-tls-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const tls = makeCertificates(folder);
      const server = await startKafka({ tls, sasl: { ann: 'secret' } });
      const ssl = { ca: [readFileSync(tls.ca, 'utf8')] };
      const as = (password: string) =>
        admin(server, { ssl, sasl: { mechanism: 'plain', username: 'ann', password } });
      expect(await (await as('secret')).listTopics()).toEqual([]);
      await expect(as('wrong')).rejects.toThrow(/authentication/i);
    });
  },
  { own: true },
);

describeWithServer('kafka', 'the Kafka server that the tests use', () => {
  test('answers', async () => {
    const server = await startKafka();
    expect((await (await admin(server)).describeCluster()).brokers).not.toHaveLength(0);
    await server.stop();
  });
});

function clientOf({ brokers }: KafkaServer, config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, ...config });
}

async function admin(server: KafkaServer, config: Partial<KafkaConfig> = {}): Promise<Admin> {
  const opened = clientOf(server, config).admin();
  onTestFinished(() => opened.disconnect());
  await opened.connect();
  return opened;
}

async function publish(server: KafkaServer, topic: string): Promise<void> {
  const producer = clientOf(server).producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ value: 'ann' }] });
  await producer.disconnect();
}
