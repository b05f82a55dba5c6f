import type { LogSource, SourceBatch, SourceProgress } from '../../ports.js';
import type { Lane, Slice } from './lane.js';
import { FreshMarks, type Mark, type Marks } from './marks.js';
import { sourceMessage } from './messages.js';
import { type ReaderSettings, TopicReader } from './reader.js';

export interface FollowerSettings extends ReaderSettings {
  sourceOf(partition: number): string;
  readonly marks: () => Promise<Marks>;
  /** Only messages whose key begins so; empty: all. */
  readonly keyPrefix: string;
  /** When it has left its group, which nobody else was in. */
  readonly onClosed: () => Promise<void>;
}

/**
 * A topic read whole by one reader. It keeps its places itself: nothing is committed, and when the connection is
 * lost it goes on after what it had handed out.
 */
export class Follower implements LogSource {
  readonly system = 'kafka';
  readonly headerPrefix = 'ce_';
  readonly name: string;
  private readonly reader: TopicReader;
  private readonly marks: FreshMarks;
  /** The offset after what was handed out, by partition. */
  private readonly places: Map<number, number>;
  private closing: Promise<void> | null = null;

  /** @param starts the offset to begin at, by partition; one that is added later is read from its start */
  constructor(
    private readonly settings: FollowerSettings,
    starts: ReadonlyMap<number, number>,
  ) {
    this.name = settings.name;
    this.marks = new FreshMarks(settings.marks);
    this.places = new Map(starts);
    const prefix = Buffer.from(settings.keyPrefix);
    this.reader = new TopicReader(settings, {
      startOf: (partition) => this.places.get(partition) ?? null,
      wants: ({ key }) => prefix.length === 0 || key?.subarray(0, prefix.length).equals(prefix) === true,
      rebalancing: () => {},
      missed: (partition, from, to) =>
        settings.onStatus(
          `${this.name}: offsets ${from} to ${to - 1} of partition ${partition} were gone before they were read`,
          'warn',
        ),
    });
    this.reader.begin();
  }

  /** How often the consumer was made anew. */
  get restarts(): number {
    return this.reader.watchdog.restarts;
  }

  logs(): readonly string[] {
    return [...this.places.keys()].map((partition) => this.settings.sourceOf(partition));
  }

  async read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null> {
    const slices = await this.reader.take(maxMessages, maxWaitMs);
    if (slices === null) return null;
    return { messages: slices.flatMap((slice) => this.handOut(slice)), ack: () => {} };
  }

  /** What was handed out counts as acknowledged: nobody would deliver it again. */
  async progress(): Promise<readonly SourceProgress[]> {
    const marks = await this.marks.get();
    if (marks === null) return [];
    return this.reader.owned.flatMap((lane) => this.progressOf(lane, marks.get(lane.partition)) ?? []);
  }

  close(): Promise<void> {
    this.closing ??= this.reader.close().then(() => this.settings.onClosed());
    return this.closing;
  }

  private progressOf(lane: Lane, mark: Mark | undefined): SourceProgress | null {
    const place = lane.acknowledged ?? this.places.get(lane.partition);
    if (mark === undefined || place === undefined) return null;
    const last = Math.max(mark.high, place);
    const source = this.settings.sourceOf(lane.partition);
    const waiting = this.reader.firstWaiting(lane);
    if (waiting !== undefined)
      return { source, acknowledged: place, last, next: sourceMessage(source, waiting) };
    return place < last ? null : { source, acknowledged: place, last, next: null };
  }

  private handOut(slice: Slice) {
    const { lane, messages, end } = slice;
    lane.acknowledge(slice);
    this.places.set(lane.partition, end);
    const source = this.settings.sourceOf(lane.partition);
    return messages.map((message) => sourceMessage(source, message));
  }
}
