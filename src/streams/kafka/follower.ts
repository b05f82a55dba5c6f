import type { FollowFrom, LogSource, SourceBatch, SourceProgress } from '../../ports.js';
import { type Lane, messagesOf } from './lane.js';
import { FreshMarks, type Mark, type Marks } from './marks.js';
import { type ReaderSettings, TopicReader } from './reader.js';

export interface FollowerSettings extends ReaderSettings {
  readonly marks: () => Promise<Marks>;
  /** Only messages whose key begins so; empty: all. */
  readonly keyPrefix: string;
  /** When it has left its group, which nobody else was in. */
  readonly onClosed: () => Promise<void>;
}

/** Where to begin, once times are offsets. */
export type Beginning = Exclude<FollowFrom, { readonly since: number }>;

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

  /**
   * @param marks where the topic begins and ends now; a partition that is added later is read from its start
   * @param from where to begin
   */
  constructor(
    private readonly settings: FollowerSettings,
    marks: Marks,
    from: Beginning,
  ) {
    this.name = settings.name;
    this.marks = new FreshMarks(settings.marks);
    this.places = this.placesIn(marks, from);
    const prefix = Buffer.from(settings.keyPrefix);
    this.reader = new TopicReader(settings, {
      startOf: (partition) => this.places.get(partition) ?? null,
      wants:
        prefix.length === 0 ? null : ({ key }) => key?.subarray(0, prefix.length).equals(prefix) === true,
      rebalancing: () => {},
      missed: (partition, first, end) => this.miss(partition, first, end),
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
    for (const slice of slices) {
      slice.lane.acknowledge(slice);
      this.places.set(slice.lane.partition, slice.end);
    }
    return { messages: messagesOf(slices), ack: () => {} };
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

  private placesIn(marks: Marks, from: Beginning): Map<number, number> {
    const places = new Map<number, number>();
    for (const [partition, { low, high }] of marks) {
      // What a compacted topic keeps is the last of each key already.
      if (typeof from === 'string') places.set(partition, from === 'now' ? high : low);
      else {
        // A position is the offset after its message.
        const wanted = from.get(this.settings.sourceOf(partition)) ?? low;
        if (wanted < low) this.miss(partition, wanted, low);
        places.set(partition, Math.min(Math.max(wanted, low), high));
      }
    }
    return places;
  }

  private miss(partition: number, from: number, to: number): void {
    this.settings.onStatus(
      `${this.name}: offsets ${from} to ${to - 1} of partition ${partition} were gone before they were read`,
      'warn',
    );
  }

  private progressOf(lane: Lane, mark: Mark | undefined): SourceProgress | null {
    const place = lane.acknowledged ?? this.places.get(lane.partition);
    if (mark === undefined || place === undefined) return null;
    const last = Math.max(mark.high, place);
    const source = this.settings.sourceOf(lane.partition);
    const waiting = this.reader.firstWaiting(lane);
    if (waiting !== undefined) return { source, acknowledged: place, last, next: waiting };
    return place < last ? null : { source, acknowledged: place, last, next: null };
  }
}
