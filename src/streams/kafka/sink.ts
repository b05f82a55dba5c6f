import { type Admin, type Message, Partitioners, type Producer } from 'kafkajs';
import { FulcrumError } from '../../errors.js';
import type { Channel, EventSink, SinkMessage } from '../../ports.js';
import type { KafkaClient } from './client.js';
import { isAnswer, kafkaError } from './errors.js';
import { readTopicConfig } from './fitness.js';
import { type KafkaTopics, topicOf } from './options.js';
import { atMost, patiently } from './waiting.js';

export interface KafkaSinkSettings {
  readonly client: KafkaClient;
  readonly admin: Admin;
  readonly topics: KafkaTopics;
  /** Creates a channel's topic when it is absent. */
  readonly ensure: (channel: Channel) => Promise<unknown>;
}

/**
 * Messages of one request: kafkajs makes one batch of all that go to one partition, and a topic takes batches of
 * 1 MiB at most, unless it is told otherwise.
 */
const maxRequestBytes = 512 * 1024;
/** What a message takes on the wire beside key, headers and body, about. */
const messageBytes = 64;
/** Taken for the limit of a topic that does not tell it. */
const leastLimitBytes = 64 * 1024;
const disconnectMs = 3_000;
/** A partition may be between two leaders for a moment; what takes longer is the caller's to try again, in ms. */
const patienceMs = 2_000;

/**
 * Publishes with the acknowledgement of all replicas in sync, one request at a time: that keeps the messages of a
 * key in order. An idempotent producer would drop the repeats of its own retries too; but readers do that by id,
 * and kafkajs' one never recovers when a broker has forgotten its sequence numbers.
 */
export class KafkaSink implements EventSink {
  private readonly producer: Producer;
  private connected: Promise<void> | null = null;
  private last: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly settings: KafkaSinkSettings) {
    this.producer = settings.client.kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      // Its own retry leaves out what a broker has taken over since from one that failed, and reports success.
      retry: { retries: 0 },
    });
  }

  /**
   * @throws FulcrumError `unavailable`; `denied`; `mismatch` when a topic does not take a message of that size
   */
  publish(messages: readonly SinkMessage[]): Promise<void> {
    const publishing = this.last.then(() => this.publishAll(messages));
    this.last = publishing.catch(() => {});
    return publishing;
  }

  async close(): Promise<void> {
    this.closed = true;
    await atMost(disconnectMs, this.last);
    await atMost(disconnectMs, this.producer.disconnect());
    this.settings.client.destroy();
  }

  private async publishAll(messages: readonly SinkMessage[]): Promise<void> {
    if (this.closed) throw new FulcrumError('unavailable', 'publishing to Kafka: the connection is closed');
    for (const channel of new Set(messages.map((message) => message.channel)))
      await this.settings.ensure(channel);
    await this.connect();
    for (const request of requestsOf(messages)) await this.send(request);
  }

  private async connect(): Promise<void> {
    this.connected ??= this.producer.connect();
    try {
      await this.connected;
    } catch (error) {
      this.connected = null;
      throw kafkaError('connecting to Kafka to publish', error);
    }
  }

  private async send(messages: readonly SinkMessage[]): Promise<void> {
    try {
      const topicMessages = this.byTopic(messages);
      await patiently(
        patienceMs,
        () => this.producer.sendBatch({ acks: -1, topicMessages }),
        (error) => kafkaError('', error).code === 'unavailable' && !isTooLarge(error),
      );
    } catch (error) {
      if (!isTooLarge(error)) throw kafkaError('publishing to Kafka', error);
      const [first] = messages;
      if (messages.length === 1 && first !== undefined) return this.sendCut(first, error);
      // It may be all of them together: the topic's limit is for a batch.
      for (const message of messages) await this.send([message]);
    }
  }

  private byTopic(messages: readonly SinkMessage[]) {
    const byTopic = new Map<string, Message[]>();
    for (const message of messages) {
      const topic = topicOf(this.settings.topics, message.channel);
      const others = byTopic.get(topic);
      if (others === undefined) byTopic.set(topic, [kafkaMessage(message)]);
      else others.push(kafkaMessage(message));
    }
    return [...byTopic].map(([topic, ofTopic]) => ({ topic, messages: ofTopic }));
  }

  /** Sends what goes in the place of a message that is too large; where nothing does, says what to mend. */
  private async sendCut(message: SinkMessage, cause: unknown): Promise<void> {
    const topic = topicOf(this.settings.topics, message.channel);
    const config = await readTopicConfig(this.settings.admin, topic).catch(() => null);
    const limit = config?.get('max.message.bytes');
    if (message.cutTo !== undefined) return this.send([message.cutTo(Number(limit ?? leastLimitBytes))]);
    throw new FulcrumError(
      'mismatch',
      `Kafka topic ${topic} takes messages of at most ${limit ?? 'fewer'} bytes, and ${message.id} has ` +
        `${message.body.byteLength} without its headers; raise max.message.bytes of the topic`,
      { cause },
    );
  }
}

function isTooLarge(error: unknown): boolean {
  return isAnswer(error, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE');
}

/** Splits messages, in order, so that no request is too large for one partition. */
function requestsOf(messages: readonly SinkMessage[]): SinkMessage[][] {
  const requests: SinkMessage[][] = [];
  let room = 0;
  for (const message of messages) {
    const bytes = bytesOf(message);
    const request = requests.at(-1);
    if (request === undefined || bytes > room) {
      requests.push([message]);
      room = maxRequestBytes - bytes;
    } else {
      request.push(message);
      room -= bytes;
    }
  }
  return requests;
}

function bytesOf({ key, tenant, headers, body }: SinkMessage): number {
  let bytes = messageBytes + key.length + tenant.length + body.byteLength;
  for (const [name, value] of Object.entries(headers)) bytes += name.length + value.length;
  return bytes;
}

function kafkaMessage({ channel, tenant, key, headers, body }: SinkMessage): Message {
  const value = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  switch (channel) {
    case 'interactions':
      return { key, headers, value };
    case 'commands':
    case 'circuits':
    case 'analyses':
      return { key: `${tenant}/${key}`, headers, value };
    case 'dead-letters':
      return { key: null, headers, value };
  }
}
