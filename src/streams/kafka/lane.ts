import type { SourceMessage } from '../../ports.js';
import { offsetOf } from './messages.js';

/** Messages of one partition that were handed out together. */
export interface Slice {
  readonly lane: Lane;
  readonly messages: readonly SourceMessage[];
  /** The offset after them. */
  readonly end: number;
}

export function messagesOf(slices: readonly Slice[]): readonly SourceMessage[] {
  const [first] = slices;
  return slices.length === 1 && first !== undefined
    ? first.messages
    : slices.flatMap(({ messages }) => messages);
}

/** A slice that was handed out. */
interface Open {
  readonly slice: Slice;
  /** Those of its messages that are not acknowledged, in order; null: none is. */
  left: Set<SourceMessage> | null;
}

/** How far one partition has been fetched, handed out and acknowledged since we got it. All numbers are offsets. */
export class Lane {
  /** Where reading began; null until it did. */
  private start: number | null = null;
  /** What is fetched next; null until something was. */
  position: number | null = null;
  /** What the group has committed, as far as we know; null until we do. */
  committed: number | null = null;
  /** Messages that were fetched and not handed out. */
  waiting = 0;
  /** Slices that are not wholly acknowledged, or come after one that is not, in order. */
  private readonly open: Open[] = [];
  /** The end of what is acknowledged without a gap. */
  private settled: number | null = null;
  /** Where an earlier time with this partition ended, and up to where it was acknowledged: between, it was dropped. */
  private dropped: { readonly position: number; readonly acknowledged: number } | null = null;

  /** @param earlier what there was of this partition before the group was joined anew */
  constructor(
    readonly partition: number,
    earlier?: Lane,
  ) {
    this.dropped = earlier?.leaves() ?? null;
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
  get firstOpen(): SourceMessage | undefined {
    const [first] = this.open;
    return first?.left === null ? first.slice.messages[0] : first?.left.values().next().value;
  }

  /**
   * A fetch may have been under way since before we joined again. Reading then begins anew at what is committed; such a
   * fetch goes on from where we had been, past messages that were dropped.
   *
   * @returns the first offset that it passes over, null when it passes over nothing
   */
  passedOver(from: number): number | null {
    const { dropped } = this;
    this.dropped = null;
    return this.position === null && dropped !== null && from >= dropped.position
      ? dropped.acknowledged
      : null;
  }

  /** Offsets from one up to another were fetched. */
  advance(from: number, to: number): void {
    this.start ??= from;
    this.position = to;
  }

  handOut(slice: Slice): void {
    this.waiting -= slice.messages.length;
    this.open.push({ slice, left: null });
  }

  /** @param done those of its messages that are done with, among others; all of them when it is left out */
  acknowledge(slice: Slice, done?: readonly SourceMessage[]): void {
    const entry = this.open.find((candidate) => candidate.slice === slice);
    if (entry === undefined) return;
    if (done === undefined) entry.left = new Set();
    else {
      entry.left ??= new Set(slice.messages);
      for (const message of done) entry.left.delete(message);
    }
    this.settle();
  }

  private settle(): void {
    for (let first = this.open[0]; first?.left != null; first = this.open[0]) {
      const [message] = first.left;
      this.settled = message === undefined ? first.slice.end : offsetOf(message);
      if (message !== undefined) break;
      this.open.shift();
    }
  }

  private leaves(): Lane['dropped'] {
    const { position, settled, start } = this;
    if (position === null) return this.dropped;
    return this.unfinished ? { position, acknowledged: settled ?? start ?? position } : null;
  }
}
