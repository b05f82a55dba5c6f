import type { SourceMessage } from '../../ports.js';
import type { Link } from './link.js';
import type { Delivered } from './messages.js';

const ack = '+ACK';
const nak = '-NAK';
const stillAtWork = '+WPI';

/** How many times within the ack wait is looked at what is held, and how often at least. */
const looksPerAckWait = 4;
const longestLookMs = 60_000;

/** Gives messages back, to be delivered to another at once. */
export function giveBack(link: Link, replies: readonly string[]): void {
  respond(link, replies, nak);
}

/** Messages that were read together and are not acknowledged. */
interface HeldBatch {
  messages: readonly Delivered[];
}

/**
 * Messages that were read and are not acknowledged. What is held for a quarter to half of the ack wait is said to
 * be worked on, and again and again, so that it is not delivered to another without need.
 */
export class HeldMessages {
  private readonly batches = new Set<HeldBatch>();
  private seen = new Set<Delivered>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly link: Link,
    /** What waits to be read. */
    private readonly prefetched: () => readonly Delivered[],
    ackWaitMs: number,
  ) {
    const everyMs = Math.min(ackWaitMs / looksPerAckWait, longestLookMs);
    this.timer = setInterval(() => this.look(), everyMs).unref();
  }

  /** Holds what was read together; what is returned acknowledges those of them that are still held: these, or all. */
  hold(messages: readonly Delivered[]): (done?: readonly SourceMessage[]) => void {
    const batch: HeldBatch = { messages };
    this.batches.add(batch);
    return (done) => {
      const held = batch.messages;
      const these = done === undefined ? null : new Set(done);
      const acknowledged = these === null ? held : held.filter(({ message }) => these.has(message));
      respond(this.link, repliesTo(acknowledged), ack);
      batch.messages = these === null ? [] : held.filter(({ message }) => !these.has(message));
      if (batch.messages.length === 0) this.batches.delete(batch);
    };
  }

  get isEmpty(): boolean {
    return this.batches.size === 0;
  }

  /** Nobody will acknowledge what is still held: it goes to another at once. */
  stop(): void {
    clearInterval(this.timer);
    if (this.link.up) giveBack(this.link, repliesTo(this.all()));
    for (const batch of this.batches) batch.messages = [];
    this.batches.clear();
  }

  private all(): Delivered[] {
    return [...this.batches].flatMap(({ messages }) => messages);
  }

  private look(): void {
    const held = [...this.all(), ...this.prefetched()];
    const long = held.filter((delivered) => this.seen.has(delivered));
    if (this.link.up) respond(this.link, repliesTo(long), stillAtWork);
    this.seen = new Set(held);
  }
}

export function repliesTo(messages: readonly Delivered[]): string[] {
  return messages.map(({ reply }) => reply);
}

/**
 * Answers all of them the same. A subject goes into the library's line as it is, so that one may hold the lines of the
 * messages before it: one buffer and one write for all, instead of three buffers each.
 */
function respond(link: Link, replies: readonly string[], body: string): void {
  if (replies.length > 0) link.connection.publish(replies.join(` ${body.length}\r\n${body}\r\nPUB `), body);
}
