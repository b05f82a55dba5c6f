import type { KafkaMessage } from 'kafkajs';
import { FulcrumError } from '../../errors.js';
import type { SourceMessage } from '../../ports.js';
import { Backlog } from './backlog.js';
import type { ClientMaker } from './client.js';
import { type ConsumerSettings, type FetchedBatch, GroupConsumer } from './consumer.js';
import { kafkaError } from './errors.js';
import { Lane, type Slice } from './lane.js';
import { sourceMessages } from './messages.js';
import type { StatusListener } from './options.js';
import { Waiting } from './waiting.js';
import { Watchdog } from './watchdog.js';

export interface ReaderSettings extends ConsumerSettings {
  /** What it is called in messages. */
  readonly name: string;
  readonly makeClient: ClientMaker;
  readonly onStatus: StatusListener;
  /** What positions call a partition. */
  sourceOf(partition: number): string;
}

/** What those who own a reader do differently. */
export interface ReaderOwner {
  /** Where reading of a partition begins; null: at what the group has committed, else at its start. */
  startOf(partition: number): number | null;
  /** Which messages are for it; null: all. */
  readonly wants: ((message: KafkaMessage) => boolean) | null;
  /** Before the group divides its partitions anew: the last moment to commit. */
  rebalancing(): void;
  /** Messages from one offset up to another are gone from the log, and were not read. */
  missed(partition: number, from: number, to: number): void;
}

/** Fetching stops above this and goes on below half of it; one fetch more may come on top. */
const maxWaitingBytes = 16 * 1024 * 1024;

/** Reads one topic as a member of a group, whatever happens to the broker: a bounded backlog ahead of its reader. */
export class TopicReader {
  readonly watchdog: Watchdog;
  private lanes = new Map<number, Lane>();
  /** The last lane of each partition, ours or not. */
  private readonly known = new Map<number, Lane>();
  private consumer: GroupConsumer | null = null;
  private readonly backlog = new Backlog();
  private readonly arrivals = new Waiting();
  private isPaused = false;
  private ended = false;

  constructor(
    private readonly settings: ReaderSettings,
    private readonly owner: ReaderOwner,
  ) {
    const { name, sessionTimeoutMs, onStatus } = settings;
    this.watchdog = new Watchdog({
      start: (signs) => {
        this.consumer = new GroupConsumer(settings.makeClient, settings, {
          joined: (partitions) => {
            signs.alive();
            this.join(partitions);
          },
          batch: (batch) => this.enqueue(batch),
          skipped: (partition, from, end) => this.skip(partition, from, end),
          rebalancing: () => {
            signs.waiting();
            owner.rebalancing();
          },
          alive: signs.alive,
          died: signs.died,
        });
        return this.consumer;
      },
      stallMs: sessionTimeoutMs / 2,
      // Others may take their whole session before a group is complete.
      waitingMs: 2 * sessionTimeoutMs,
      explain: (error) => (error === null ? noAnswer(name) : kafkaError(`${name} cannot be read`, error)),
      onDown: (error) => {
        onStatus(`${error.message}; trying again`, 'warn');
        this.forget();
      },
      onUp: () => onStatus(`${name}: reading again`, 'info'),
    });
  }

  begin(): void {
    this.watchdog.begin();
  }

  /** The partitions that are ours just now. */
  get owned(): readonly Lane[] {
    return [...this.lanes.values()];
  }

  owns(lane: Lane): boolean {
    return this.lanes.get(lane.partition) === lane;
  }

  /** Whether fetching has stopped until there is room again. */
  get paused(): boolean {
    return this.isPaused;
  }

  get waitingBytes(): number {
    return this.backlog.bytes;
  }

  /** The next messages, none after the wait, or null once it has ended. @throws FulcrumError while it is down */
  async take(maxMessages: number, maxWaitMs: number): Promise<readonly Slice[] | null> {
    if (this.backlog.isEmpty && !this.ended && this.watchdog.failure === null)
      await this.arrivals.wait(maxWaitMs);
    if (this.ended) return null;
    if (this.watchdog.failure !== null) throw this.watchdog.failure;
    // It may yet go on as if nothing had been, and whoever waits for messages is to know why there are none.
    if (this.backlog.isEmpty && this.watchdog.silent) throw noAnswer(this.settings.name);
    const slices = this.backlog.take(maxMessages);
    if (this.isPaused && this.backlog.bytes <= maxWaitingBytes / 2) this.resume();
    return slices;
  }

  firstWaiting(lane: Lane): SourceMessage | undefined {
    return this.backlog.firstOf(lane);
  }

  /** Commits the offset that is to be read next in each of these partitions. */
  async commit(offsets: ReadonlyMap<Lane, number>): Promise<void> {
    await this.consumer?.commit(new Map([...offsets].map(([lane, offset]) => [lane.partition, offset])));
  }

  /** Hands out nothing more. */
  end(): void {
    this.ended = true;
    this.arrivals.wake();
  }

  /** Leaves the group and disconnects. */
  async close(): Promise<void> {
    this.end();
    await this.watchdog.close();
    this.forget();
  }

  private join(partitions: readonly number[]): void {
    this.lanes = new Map(
      partitions.map((partition) => [partition, new Lane(partition, this.known.get(partition))]),
    );
    for (const lane of this.lanes.values()) this.known.set(lane.partition, lane);
    this.backlog.clear();
    this.resume();
    for (const partition of partitions) {
      const start = this.owner.startOf(partition);
      if (start !== null) this.consumer?.seek(partition, start);
    }
  }

  private enqueue(batch: FetchedBatch): boolean {
    const { partition } = batch;
    const lane = this.lanes.get(partition);
    const from = Number(batch.fetchedOffset);
    if (lane === undefined || lane.passedOver(from) !== null) return false;
    if (lane.position !== null && from > lane.position) this.owner.missed(partition, lane.position, from);
    const end = Number(batch.lastOffset()) + 1;
    lane.advance(from, end);
    const source = this.settings.sourceOf(partition);
    this.backlog.push(lane, sourceMessages(source, batch.messages, this.owner.wants), end);
    if (this.backlog.bytes > maxWaitingBytes) this.pause();
    if (!this.backlog.isEmpty) this.arrivals.wake();
    return true;
  }

  /** kafkajs goes on after what it leaves out, whoever says no. */
  private skip(partition: number, from: number, end: number): void {
    const lane = this.lanes.get(partition);
    if (lane === undefined) return;
    const back = lane.passedOver(from);
    if (back === null) lane.advance(from, end);
    else this.consumer?.seek(partition, back);
  }

  private pause(): void {
    if (!this.isPaused) this.consumer?.pause();
    this.isPaused = true;
  }

  private resume(): void {
    if (this.isPaused) this.consumer?.resume();
    this.isPaused = false;
  }

  /** What was fetched is fetched again, by whoever gets its partition. */
  private forget(): void {
    this.lanes = new Map();
    this.known.clear();
    this.backlog.clear();
    this.isPaused = false;
    this.arrivals.wake();
  }
}

function noAnswer(name: string): FulcrumError {
  return new FulcrumError('unavailable', `${name}: the broker does not answer; check that Kafka runs`);
}
