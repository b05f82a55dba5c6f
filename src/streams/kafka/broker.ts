import { randomUUID } from 'node:crypto';
import type { Admin } from 'kafkajs';
import type {
  Broker,
  Channel,
  EventSink,
  Finding,
  FollowFrom,
  LogSource,
  ReadChannel,
  Readers,
  SourceStanding,
} from '../../ports.js';
import { checkKafka } from './check.js';
import { type ClientMaker, clientMaker, type KafkaClient } from './client.js';
import { isLoading, kafkaError } from './errors.js';
import { refuseUnfit } from './fitness.js';
import { type Beginning, Follower } from './follower.js';
import { GroupSource } from './group-source.js';
import { readMarks } from './marks.js';
import { groupOf, type KafkaOptions, type StatusListener, sourceOf, topicOf } from './options.js';
import type { ReaderSettings } from './reader.js';
import { KafkaSink } from './sink.js';
import { ensureTopic, partitionsOf } from './topics.js';
import { atMost, patiently } from './waiting.js';

const disconnectMs = 3_000;
/** How long a broker may take to load its groups, in ms. */
const loadingMs = 10_000;

/** Apache Kafka, through kafkajs. */
export class KafkaBroker implements Broker {
  readonly system = 'kafka';
  readonly sink: EventSink;
  private readonly kafkaSink: KafkaSink;
  private readonly sources = new Set<LogSource>();
  private readonly ensured = new Map<Channel, Promise<number>>();

  private constructor(
    private readonly options: KafkaOptions,
    private readonly makeClient: ClientMaker,
    private readonly client: KafkaClient,
    private readonly admin: Admin,
    private readonly onStatus: StatusListener,
  ) {
    this.sink = this.kafkaSink = new KafkaSink({
      client: makeClient(),
      admin,
      topics: options.topics,
      ensure: (channel) => this.ensure(channel),
    });
  }

  /**
   * @throws FulcrumError `unavailable` when no broker answers, `denied` when they refuse the credentials,
   *   `config` when a file of the TLS settings cannot be read
   */
  static async connect(options: KafkaOptions, onStatus: StatusListener = () => {}): Promise<KafkaBroker> {
    const makeClient = await clientMaker(options, onStatus);
    const client = makeClient();
    const admin = client.kafka.admin();
    try {
      await admin.connect();
    } catch (error) {
      await atMost(disconnectMs, admin.disconnect());
      client.destroy();
      throw kafkaError(`Kafka at ${options.brokers.join(', ')}`, error);
    }
    return new KafkaBroker(options, makeClient, client, admin, onStatus);
  }

  /** @throws FulcrumError `mismatch` when the topic loses events, `denied`, `unavailable` */
  async consume<R extends Readers = 'processors'>(channel: ReadChannel<R>, by?: R): Promise<GroupSource> {
    const { admin, options } = this;
    await this.ensure(channel);
    const topic = topicOf(options.topics, channel);
    const groupId = groupOf(options, channel, by);
    const marks = () => readMarks(admin, topic, groupId);
    try {
      await refuseUnfit(admin, options, channel);
      const settings = { ...this.readerSettings(topic, groupId), marks };
      const standing = await patiently(loadingMs, marks, isLoading);
      const source = new GroupSource({ ...settings, onClosed: () => this.sources.delete(source) }, standing);
      this.sources.add(source);
      return source;
    } catch (error) {
      throw kafkaError(`Kafka topic ${topic} cannot be consumed`, error);
    }
  }

  /**
   * With a tenant, circuits, commands and analyses of others are left out; interactions and dead letters do not say theirs
   * in their keys, and all come.
   *
   * @throws FulcrumError `denied`, `unavailable`
   */
  async follow(channel: Channel, from: FollowFrom, tenant?: string): Promise<Follower> {
    const { admin, options } = this;
    await this.ensure(channel);
    const topic = topicOf(options.topics, channel);
    const groupId = `${options.groupId}-follow-${randomUUID()}`;
    const marks = () => readMarks(admin, topic, null);
    const keyed = channel === 'circuits' || channel === 'commands' || channel === 'analyses';
    try {
      const standing = await marks();
      const settings = {
        ...this.readerSettings(topic, groupId),
        marks,
        keyPrefix: keyed && tenant !== undefined ? `${tenant}/` : '',
        onClosed: () => {
          this.sources.delete(source);
          // It goes away by itself too, later, where it may not be deleted.
          return atMost(disconnectMs, admin.deleteGroups([groupId]));
        },
      };
      await patiently(loadingMs, () => admin.fetchOffsets({ groupId, topics: [topic] }), isLoading);
      const source = new Follower(settings, standing, await this.beginning(topic, from));
      this.sources.add(source);
      return source;
    } catch (error) {
      throw kafkaError(`Kafka topic ${topic} cannot be followed`, error);
    }
  }

  async prepare(channel: Channel): Promise<void> {
    await this.ensure(channel);
  }

  async standing<R extends Readers = 'processors'>(
    channel: ReadChannel<R>,
    by?: R,
  ): Promise<readonly SourceStanding[]> {
    const { admin, options } = this;
    const topic = topicOf(options.topics, channel);
    try {
      // kafkajs asks for a topic that is not there for seconds, and then says that the broker is away.
      if (!this.ensured.has(channel) && (await partitionsOf(admin, topic)) === 0) return [];
      const ask = () => readMarks(admin, topic, groupOf(options, channel, by));
      const marks = await patiently(loadingMs, ask, isLoading);
      if ([...marks.values()].every(({ committed }) => committed === null)) return [];
      return [...marks].map(([partition, { high, committed }]) => ({
        source: sourceOf(options, topic, partition),
        acknowledged: committed ?? 0,
        // What a group was handed and has not committed it is handed again.
        delivered: committed ?? 0,
        last: high,
      }));
    } catch (error) {
      throw kafkaError(`Kafka topic ${topic} cannot be looked at`, error);
    }
  }

  check(analysersWrite: readonly Channel[] | null = null): Promise<readonly Finding[]> {
    return checkKafka(this.admin, this.options, analysersWrite !== null);
  }

  async close(): Promise<void> {
    await Promise.all([...this.sources].map((source) => source.close()));
    await this.kafkaSink.close();
    await atMost(disconnectMs, this.admin.disconnect());
    this.client.destroy();
  }

  private async beginning(topic: string, from: FollowFrom): Promise<Beginning> {
    if (typeof from !== 'object' || !('since' in from)) return from;
    const offsets = await this.admin.fetchTopicOffsetsByTimestamp(topic, Math.floor(from.since * 1_000));
    return new Map(
      offsets.map(({ partition, offset }) => [sourceOf(this.options, topic, partition), Number(offset)]),
    );
  }

  private readerSettings(topic: string, groupId: string): ReaderSettings {
    const { options, makeClient, onStatus } = this;
    return {
      name: `kafka:${topic}`,
      topic,
      groupId,
      sessionTimeoutMs: options.sessionTimeoutMs,
      makeClient,
      onStatus,
      sourceOf: (partition) => sourceOf(options, topic, partition),
    };
  }

  /** Creates a topic once; a failure is tried again by the next who needs it. */
  private ensure(channel: Channel): Promise<number> {
    let ensured = this.ensured.get(channel);
    if (ensured === undefined) {
      ensured = ensureTopic(this.admin, this.options, channel);
      this.ensured.set(channel, ensured);
      ensured.catch(() => this.ensured.delete(channel));
    }
    return ensured;
  }
}
