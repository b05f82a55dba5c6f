import type { KafkaMessage } from 'kafkajs';

/** Messages of one partition that were handed out together. */
export interface Slice {
  readonly lane: Lane;
  readonly messages: readonly KafkaMessage[];
  /** The offset after them. */
  readonly end: number;
}

/** How far one partition has been fetched, handed out and acknowledged since we got it. All numbers are offsets. */
export class Lane {
  /** What is fetched next; null until something was. */
  position: number | null = null;
  /** What the group has committed, as far as we know; null until we do. */
  committed: number | null = null;
  /** Messages that were fetched and not handed out. */
  waiting = 0;
  /** Handed out and not acknowledged, or after one that is not, in order. */
  private readonly open: { readonly slice: Slice; done: boolean }[] = [];
  /** The end of what is acknowledged without a gap. */
  private settled: number | null = null;
  /** Where an earlier time with this partition ended, with messages that were dropped. */
  private leftAt: number | null = null;

  constructor(
    readonly partition: number,
    earlier?: Lane,
  ) {
    if (earlier !== undefined)
      this.leftAt = earlier.position === null ? earlier.leftAt : earlier.unfinished ? earlier.position : null;
  }

  get unfinished(): boolean {
    return this.open.length > 0 || this.waiting > 0;
  }

  get handedOut(): boolean {
    return this.open.length > 0;
  }

  /** What may be committed: all below it is acknowledged, or was never meant for us. Null: nothing yet. */
  get acknowledged(): number | null {
    return this.unfinished ? this.settled : this.position;
  }

  /** The first message that was handed out and is not acknowledged. */
  get firstOpen(): KafkaMessage | undefined {
    return this.open[0]?.slice.messages[0];
  }

  /**
   * Whether a fetch from an offset on was under way since before we joined again. Reading then begins anew at
   * what is committed; such a fetch goes on from where we had been, past messages that were dropped.
   */
  isStale(from: number): boolean {
    const stale = this.position === null && from === this.leftAt;
    this.leftAt = null;
    return stale;
  }

  handOut(slice: Slice): void {
    this.waiting -= slice.messages.length;
    this.open.push({ slice, done: false });
  }

  acknowledge(slice: Slice): void {
    const entry = this.open.find((candidate) => candidate.slice === slice);
    if (entry !== undefined) entry.done = true;
    while (this.open[0]?.done === true) this.settled = this.open.shift()?.slice.end ?? this.settled;
  }
}
