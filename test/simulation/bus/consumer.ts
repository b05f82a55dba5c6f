import type { SourceStanding } from '../../../src/ports.js';
import type { World } from '../world.js';
import type { Log, Logged } from './log.js';

/** Somebody whom messages are delivered to. */
export interface Holder {
  /** Whether it lives and is at work on a message. */
  holds(sequence: number): boolean;
}

interface Delivery {
  readonly to: Holder;
  readonly untilMs: number;
}

export interface ConsumerSettings {
  /** After so long without an acknowledgement a message is delivered again. */
  readonly ackWaitMs: number;
  /** How likely one who is at work on a message says so in time. */
  readonly stillAtWork: number;
  /** How likely a batch comes in any order. */
  readonly outOfOrder: number;
}

/** What the broker knows of the readers of one log together: each message goes to one of them, until one acknowledges it. */
export class SharedConsumer {
  /** All up to here are acknowledged. */
  floor = 0;
  private readonly above = new Set<number>();
  private readonly pending = new Map<number, Delivery>();
  private readonly returned = new Set<number>();
  private next = 1;
  private readonly waiting = new Set<() => void>();

  /** @param onAcknowledged hears of each message that was not acknowledged before */
  constructor(
    private readonly world: World,
    readonly log: Log,
    private readonly settings: ConsumerSettings,
    private readonly onAcknowledged: (message: Logged) => void,
  ) {
    log.listen(() => this.wake());
  }

  /** The next messages for one of the readers. */
  take(to: Holder, most: number): readonly Logged[] {
    const { random, nowMs } = this.world;
    const taken: Logged[] = [];
    for (const sequence of this.returned) {
      if (taken.length === most) break;
      this.returned.delete(sequence);
      taken.push(this.log.at(sequence) as Logged);
    }
    for (; taken.length < most && this.next <= this.log.last; this.next++)
      taken.push(this.log.at(this.next) as Logged);
    if (taken.length === 0) return taken;
    for (const { sequence } of taken)
      this.pending.set(sequence, { to, untilMs: nowMs + this.settings.ackWaitMs });
    this.lookIn(this.settings.ackWaitMs);
    return random.chance(this.settings.outOfOrder) ? random.shuffle(taken) : taken;
  }

  acknowledge(sequence: number): void {
    if (sequence <= this.floor || this.above.has(sequence)) return;
    this.pending.delete(sequence);
    this.returned.delete(sequence);
    this.above.add(sequence);
    while (this.above.delete(this.floor + 1)) this.floor++;
    this.onAcknowledged(this.log.at(sequence) as Logged);
  }

  /** Puts messages that their reader does not want any more back, to go to another. */
  giveBack(sequences: readonly number[]): void {
    for (const sequence of sequences) if (this.pending.delete(sequence)) this.returned.add(sequence);
    this.wake();
  }

  standing(): SourceStanding {
    const { source, last } = this.log;
    return { source, acknowledged: this.floor, last, delivered: this.next - 1 };
  }

  /** Calls it when there may be something to take; returns what ends that. */
  wait(wake: () => void): () => void {
    this.waiting.add(wake);
    return () => this.waiting.delete(wake);
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake();
  }

  private lookIn(ms: number): void {
    this.world.after(ms + 0.001, () => this.expire());
  }

  /** Takes back what nobody spoke of for so long. */
  private expire(): void {
    const { nowMs, random } = this.world;
    const before = this.returned.size;
    for (const [sequence, { to, untilMs }] of this.pending) {
      if (untilMs > nowMs) continue;
      if (to.holds(sequence) && random.chance(this.settings.stillAtWork)) {
        this.pending.set(sequence, { to, untilMs: nowMs + this.settings.ackWaitMs });
        this.lookIn(this.settings.ackWaitMs);
      } else {
        this.pending.delete(sequence);
        this.returned.add(sequence);
      }
    }
    if (this.returned.size > before) this.wake();
  }
}
