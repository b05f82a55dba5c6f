import type { Msg } from 'nats';
import type { Link } from './link.js';

const ack = Buffer.from('+ACK');
const nak = Buffer.from('-NAK');
const stillAtWork = Buffer.from('+WPI');

/** How many times within the ack wait is looked at what is held, and how often at least. */
const looksPerAckWait = 4;
const longestLookMs = 60_000;

export function acknowledge(messages: readonly Msg[]): void {
  for (const message of messages) message.respond(ack);
}

/** Gives messages back, to be delivered to another at once. */
export function giveBack(messages: readonly Msg[]): void {
  for (const message of messages) message.respond(nak);
}

/**
 * Messages that were read and are not acknowledged. What is held for a quarter to half of the ack wait is said to
 * be worked on, and again and again, so that it is not delivered to another without need.
 */
export class HeldMessages {
  private readonly batches = new Set<readonly Msg[]>();
  private seen = new Set<Msg>();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly link: Link,
    /** What waits to be read. */
    private readonly prefetched: () => readonly Msg[],
    ackWaitMs: number,
  ) {
    const everyMs = Math.min(ackWaitMs / looksPerAckWait, longestLookMs);
    this.timer = setInterval(() => this.look(), everyMs).unref();
  }

  add(batch: readonly Msg[]): void {
    this.batches.add(batch);
  }

  remove(batch: readonly Msg[]): void {
    this.batches.delete(batch);
  }

  get size(): number {
    return this.batches.size;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const held = [...this.batches, this.prefetched()].flat();
    if (this.link.up) for (const message of held) if (this.seen.has(message)) message.respond(stillAtWork);
    this.seen = new Set(held);
  }
}
