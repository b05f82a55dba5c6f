import type { Batch, Consumer, EachBatchPayload } from 'kafkajs';
import type { ClientMaker, KafkaClient } from './client.js';
import { atMost } from './waiting.js';

/** kafkajs keeps the offset that it asked for with what it got, and leaves it out of its types. */
export type FetchedBatch = Batch & { readonly fetchedOffset: string };

export interface ConsumerSettings {
  readonly topic: string;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
}

/** Told what happens to a consumer, at once and in order. */
export interface ConsumerListener {
  /** It is in the group, and these partitions are its own; reading begins at what is committed. */
  joined(partitions: readonly number[]): void;
  /** @returns whether the batch is taken: if not, it is fetched again */
  batch(batch: FetchedBatch): boolean;
  /** What lies between two offsets of a partition was not meant for readers: control records, aborted transactions. */
  skipped(partition: number, from: number, end: number): void;
  /** The group is dividing its partitions anew; it will join again. */
  rebalancing(): void;
  /** The broker has answered. */
  alive(): void;
  /** It has stopped for good. */
  died(error: unknown): void;
}

/** A long poll for new messages, in ms; what is paused is looked at again as often. */
const maxWaitMs = 100;
/** Most that one fetch brings, and of one partition. */
const maxFetchBytes = 4 * 1024 * 1024;
const maxPartitionBytes = 1024 * 1024;
/** Pauses between attempts, in ms. */
const retryPauses = { initialRetryTime: 100, maxRetryTime: 1_000 };
/** How long leaving the group may take, in ms. */
const leaveMs = 3_000;

/** One kafkajs consumer of one topic. It never starts again by itself: who made it makes another. */
export class GroupConsumer {
  private readonly client: KafkaClient;
  private readonly consumer: Consumer;
  private readonly started: Promise<void>;
  /**
   * kafkajs' way to commit that tries once. The other goes on for as long as it takes, into a later generation of the
   * group, when the partition may be another's who has committed more.
   */
  private commitOnce: EachBatchPayload['commitOffsetsIfNecessary'] | null = null;
  /** Ends the wait for the commit under way. */
  private abandon: (() => void) | null = null;
  private joining = false;
  private stopped = false;

  constructor(
    makeClient: ClientMaker,
    private readonly settings: ConsumerSettings,
    private readonly listener: ConsumerListener,
  ) {
    const { groupId, sessionTimeoutMs } = settings;
    // For half a session, and who made it decides when that is enough. A consumer that gave up while a broker is
    // started anew would join again as a stranger, and wait out the session of the member that it had been.
    this.client = makeClient({ ...retryPauses, retries: 5 + Math.ceil(sessionTimeoutMs / 2_000) });
    this.consumer = this.client.kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(3_000, sessionTimeoutMs / 10),
      maxWaitTimeInMs: maxWaitMs,
      maxBytes: maxFetchBytes,
      maxBytesPerPartition: maxPartitionBytes,
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => false },
    });
    this.listen();
    this.started = this.start().catch((error: unknown) => this.tell(() => listener.died(error)));
  }

  pause(): void {
    this.consumer.pause([{ topic: this.settings.topic }]);
  }

  resume(): void {
    this.consumer.resume([{ topic: this.settings.topic }]);
  }

  /** Goes on at an offset, with the next fetch. */
  seek(partition: number, offset: number): void {
    this.consumer.seek({ topic: this.settings.topic, partition, offset: String(offset) });
  }

  /**
   * Fails at the latest when the consumer is stopped.
   *
   * @param offsets by partition, each the next that is to be read
   */
  commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    const { topic } = this.settings;
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
    return new Promise((resolve, reject) => {
      this.abandon = () => reject(new Error('the consumer has stopped'));
      if (this.stopped || this.commitOnce === null) this.abandon();
      else this.commitOnce({ topics: [{ topic, partitions }] }).then(resolve, reject);
    });
  }

  /** Leaves the group and disconnects, whatever state it is in. Nobody is told of anything from here on. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.abandon?.();
    if (this.joining) {
      // A member that goes away while it joins stays in the group until its session ends: first in, then out.
      await atMost(leaveMs, this.started);
      await atMost(leaveMs, this.consumer.disconnect());
    }
    this.client.destroy();
  }

  private async start(): Promise<void> {
    const { topic } = this.settings;
    await this.consumer.connect();
    await this.consumer.subscribe({ topics: [topic], fromBeginning: true });
    if (this.stopped) return;
    this.joining = true;
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset, isStale, commitOffsetsIfNecessary }) => {
        if (this.stopped || isStale()) return;
        this.commitOnce = commitOffsetsIfNecessary;
        // What is resolved is where the next fetch begins, and is not committed.
        if (this.listener.batch(batch as FetchedBatch)) resolveOffset(batch.lastOffset());
      },
    });
  }

  private listen(): void {
    const { consumer, listener, settings } = this;
    const { events } = consumer;
    consumer.on(events.GROUP_JOIN, ({ payload }) =>
      this.tell(() => listener.joined(payload.memberAssignment[settings.topic] ?? [])),
    );
    consumer.on(events.HEARTBEAT, () => this.tell(() => listener.alive()));
    consumer.on(events.REBALANCING, () => this.tell(() => listener.rebalancing()));
    consumer.on(events.CRASH, ({ payload }) => this.tell(() => listener.died(payload.error)));
    consumer.on(events.START_BATCH_PROCESS, ({ payload }) =>
      this.tell(() => {
        listener.alive();
        const { partition, batchSize, firstOffset, lastOffset } = payload;
        if (batchSize === 0)
          listener.skipped(partition, Number(firstOffset ?? lastOffset), Number(lastOffset) + 1);
      }),
    );
  }

  private tell(what: () => void): void {
    if (!this.stopped) what();
  }
}
