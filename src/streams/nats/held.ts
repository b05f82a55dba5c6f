import type { Msg } from 'nats';
import type { SourceMessage } from '../../ports.js';
import type { Link } from './link.js';

const ack = Buffer.from('+ACK');
const nak = Buffer.from('-NAK');
const stillAtWork = Buffer.from('+WPI');

/** How many times within the ack wait is looked at what is held, and how often at least. */
const looksPerAckWait = 4;
const longestLookMs = 60_000;

/** Gives messages back, to be delivered to another at once. */
export function giveBack(messages: Iterable<Msg>): void {
  for (const message of messages) message.respond(nak);
}

/**
 * Messages that were read and are not acknowledged. What is held for a quarter to half of the ack wait is said to
 * be worked on, and again and again, so that it is not delivered to another without need.
 */
export class HeldMessages {
  private readonly messages = new Map<SourceMessage, Msg>();
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

  /** @param message as it was delivered, and as its reader has it */
  add(message: SourceMessage, delivered: Msg): void {
    this.messages.set(message, delivered);
  }

  /** Acknowledges those of them that are still held. */
  acknowledge(messages: readonly SourceMessage[]): void {
    for (const message of messages) {
      this.messages.get(message)?.respond(ack);
      this.messages.delete(message);
    }
  }

  get size(): number {
    return this.messages.size;
  }

  /** Nobody will acknowledge what is still held: it goes to another at once. */
  stop(): void {
    clearInterval(this.timer);
    if (this.link.up) giveBack(this.messages.values());
    this.messages.clear();
  }

  private look(): void {
    const held = new Set([...this.messages.values(), ...this.prefetched()]);
    if (this.link.up) for (const message of held) if (this.seen.has(message)) message.respond(stillAtWork);
    this.seen = held;
  }
}
