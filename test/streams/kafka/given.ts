import { type Admin, Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { beforeAll, onTestFinished } from 'vitest';
import type { Channel, LogSource, SinkMessage, SourceMessage } from '../../../src/ports.js';
import { KafkaBroker } from '../../../src/streams/kafka/broker.js';
import { defaultKafkaOptions, type KafkaOptions } from '../../../src/streams/kafka/options.js';
import { type KafkaServer, type KafkaOptions as ServerOptions, startKafka } from '../../servers/kafka.js';

/** A Kafka server for all tests of a suite, and what a test needs to talk to it. All is closed with the test. */
export class GivenKafka {
  private started: KafkaServer | undefined;
  /** What the brokers of the test said of themselves. */
  lines: string[] = [];

  constructor(serverOptions?: ServerOptions | (() => ServerOptions)) {
    beforeAll(async () => {
      this.started = await startKafka(typeof serverOptions === 'function' ? serverOptions() : serverOptions);
    });
  }

  get server(): KafkaServer {
    if (this.started === undefined) throw new Error('the server is not up yet');
    return this.started;
  }

  /** Options with topics and groups that no other test has. */
  options(given: Partial<KafkaOptions> = {}): KafkaOptions {
    this.lines = [];
    const unique = crypto.randomUUID().slice(0, 8);
    return {
      ...defaultKafkaOptions,
      brokers: this.server.brokers,
      groupId: `processors-${unique}`,
      topics: {
        interactions: `interactions-${unique}`,
        commands: `commands-${unique}`,
        circuits: `circuits-${unique}`,
        deadLetters: `dead-letters-${unique}`,
        analyses: `analyses-${unique}`,
      },
      partitions: 2,
      ...given,
    };
  }

  async connect(options: KafkaOptions): Promise<KafkaBroker> {
    const broker = await KafkaBroker.connect(options, (line) => void this.lines.push(line));
    onTestFinished(() => broker.close());
    return broker;
  }

  client(config: Partial<KafkaConfig> = {}): Kafka {
    return new Kafka({ brokers: [...this.server.brokers], logLevel: logLevel.NOTHING, ...config });
  }

  async admin(config: Partial<KafkaConfig> = {}): Promise<Admin> {
    const admin = this.client(config).admin();
    onTestFinished(() => admin.disconnect());
    await admin.connect();
    return admin;
  }
}

export function message(text: string, given: Partial<SinkMessage> = {}): SinkMessage {
  return {
    channel: 'interactions',
    id: text,
    tenant: 'default',
    key: text,
    headers: {},
    body: Buffer.from(text),
    ...given,
  };
}

/** `from` to before `to`. */
export function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i));
}

export function publishTexts(
  broker: KafkaBroker,
  texts: readonly string[],
  channel: Channel = 'interactions',
) {
  return broker.sink.publish(texts.map((text) => message(text, { channel })));
}

export function textOf({ body }: SourceMessage): string {
  return Buffer.from(body).toString();
}

/** Reads and acknowledges until so many have come, or a few more, at most `maxMessages` at a time. */
export async function readMessages(
  source: LogSource,
  count: number,
  maxMessages = 500,
): Promise<SourceMessage[]> {
  const messages: SourceMessage[] = [];
  while (messages.length < count) {
    const batch = await source.read(maxMessages, 1_000);
    if (batch === null) throw new Error('the source has ended');
    messages.push(...batch.messages);
    await batch.ack();
  }
  return messages;
}

export async function readTexts(source: LogSource, count: number, maxMessages?: number): Promise<string[]> {
  return (await readMessages(source, count, maxMessages)).map(textOf);
}

/** Texts in the order of the numbers that they are. */
export function sorted(texts: Iterable<string>): string[] {
  return [...texts].sort((one, other) => Number(one) - Number(other));
}

/** The first batch that is not empty. */
export async function nextBatch(source: LogSource, maxMessages = 500) {
  for (;;) {
    const batch = await source.read(maxMessages, 1_000);
    if (batch === null) throw new Error('the source has ended');
    if (batch.messages.length > 0) return batch;
  }
}

/** What a group has committed, by partition; null: nothing. */
export async function committedOf(admin: Admin, groupId: string, topic: string): Promise<(number | null)[]> {
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const offsets: (number | null)[] = [];
  for (const { partition, offset } of answer?.partitions ?? [])
    offsets[partition] = offset === '-1' ? null : Number(offset);
  return offsets;
}

/** Takes what lies before an offset of partition 0 away, as retention does. */
export async function dropBefore(admin: Admin, topic: string, offset: number): Promise<void> {
  // kafkajs has to have met the topic before.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
}
