import type { LogSource, SourceBatch, SourceProgress } from '../../ports.js';
import { Committer } from './committer.js';
import { type Lane, messagesOf } from './lane.js';
import { FreshMarks, type Mark, type Marks } from './marks.js';
import { type ReaderSettings, TopicReader } from './reader.js';
import { atMost } from './waiting.js';

export interface GroupSourceSettings extends ReaderSettings {
  readonly marks: () => Promise<Marks>;
  readonly onClosed: () => void;
}

/** How long closing waits for the acknowledgement of what was handed out, in ms. */
const lastAcknowledgementMs = 1_000;
/** How long it waits until that is committed, in ms. */
const lastCommitMs = 3_000;

/** A topic that the members of a consumer group share. */
export class GroupSource implements LogSource {
  readonly system = 'kafka';
  readonly headerPrefix = 'ce_';
  readonly name: string;
  /** Messages that retention took before the group had read them. */
  missed = 0;
  private readonly reader: TopicReader;
  private readonly committer: Committer;
  private readonly marks: FreshMarks;
  private partitions: readonly number[];
  private closing: Promise<void> | null = null;

  /** @param marks where the group stands now */
  constructor(
    private readonly settings: GroupSourceSettings,
    marks: Marks,
  ) {
    this.name = settings.name;
    this.marks = new FreshMarks(settings.marks);
    this.partitions = [...marks.keys()];
    this.reader = new TopicReader(settings, {
      startOf: () => null,
      wants: null,
      // The request goes out before the one that joins again, so the broker still takes it.
      rebalancing: () => void this.committer.flush().catch(() => {}),
      missed: (partition, from, to) => this.miss(partition, from, to),
    });
    this.committer = new Committer(this.reader);
    for (const [partition, { low, committed }] of marks)
      if (committed !== null && committed < low) this.miss(partition, committed, low);
    this.reader.begin();
  }

  /** How often the consumer was made anew. */
  get restarts(): number {
    return this.reader.watchdog.restarts;
  }

  /** What was fetched and waits to be read, in bytes. */
  get waitingBytes(): number {
    return this.reader.waitingBytes;
  }

  get paused(): boolean {
    return this.reader.paused;
  }

  logs(): readonly string[] {
    return this.partitions.map((partition) => this.settings.sourceOf(partition));
  }

  async read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null> {
    const slices = await this.reader.take(maxMessages, maxWaitMs);
    if (slices === null) return null;
    return { messages: messagesOf(slices), ack: (done) => this.committer.acknowledge(slices, done) };
  }

  async progress(): Promise<readonly SourceProgress[]> {
    // So that what it says was acknowledged is so for whoever reads next, too.
    await this.committer.flush().catch(() => {});
    const marks = await this.marks.get();
    if (marks === null) return [];
    this.partitions = [...marks.keys()];
    return this.reader.owned.flatMap((lane) => this.progressOf(lane, marks.get(lane.partition)) ?? []);
  }

  /** Waits a moment for what was handed out to be acknowledged, commits, and leaves the group. */
  close(): Promise<void> {
    this.closing ??= this.leave();
    return this.closing;
  }

  private async leave(): Promise<void> {
    this.reader.end();
    await atMost(lastAcknowledgementMs, this.committer.allAcknowledged());
    await atMost(lastCommitMs, this.committer.flush());
    this.committer.close();
    await this.reader.close();
    this.settings.onClosed();
  }

  /** Null when it cannot be said: something is there, or may be, that was not fetched yet. */
  private progressOf(lane: Lane, mark: Mark | undefined): SourceProgress | null {
    if (mark === undefined) return null;
    const acknowledged = lane.committed ?? Math.max(mark.committed ?? mark.low, mark.low);
    const last = Math.max(mark.high, lane.position ?? 0);
    const source = this.settings.sourceOf(lane.partition);
    const first = lane.firstOpen ?? this.reader.firstWaiting(lane);
    if (first !== undefined) return { source, acknowledged, last, next: first };
    const readUp = (lane.position ?? acknowledged) >= last && !this.reader.paused;
    return readUp ? { source, acknowledged, last, next: null } : null;
  }

  private miss(partition: number, from: number, to: number): void {
    this.missed += to - from;
    this.settings.onStatus(
      `${this.name}: ${to - from} messages of partition ${partition}, offsets ${from} to ${to - 1}, ` +
        'were gone before they were read: retention overtook the processors; run more of them or keep longer',
      'error',
    );
  }
}
