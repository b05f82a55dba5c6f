import type { SourceMessage, SourceProgress, SourceStanding } from '../../../src/ports.js';
import type { Place, SimProcess } from '../process.js';
import type { World } from '../world.js';
import type { Consumer, ConsumerSettings, OnAcknowledged } from './consumer.js';
import type { Log, Logged } from './log.js';
import type { Reading } from './reader.js';

/** Somebody whom messages are delivered to. */
interface Holder {
  /** Whether it lives and is at work on a message. */
  holds(sequence: number): boolean;
}

interface Delivery {
  readonly to: Holder;
  readonly untilMs: number;
}

/**
 * A durable consumer as JetStream has it: each message goes to one of the readers, and again to any of them until it is
 * acknowledged, whatever became of those before it.
 */
export class SharedConsumer implements Consumer {
  readonly logs: readonly Log[];
  /** All up to here are acknowledged. */
  private floor = 0;
  private readonly above = new Set<number>();
  private readonly pending = new Map<number, Delivery>();
  private readonly returned = new Set<number>();
  private next = 1;
  private readonly waiting = new Set<() => void>();

  constructor(
    private readonly world: World,
    private readonly place: Place,
    private readonly log: Log,
    private readonly settings: ConsumerSettings,
    private readonly onAcknowledged: OnAcknowledged,
  ) {
    this.logs = [log];
    log.listen(() => this.wake());
  }

  standing(): readonly SourceStanding[] {
    return [this.standingNow()];
  }

  join(process: SimProcess): Reading {
    const { log } = this;
    const held = new Set<number>();
    const holder = { holds: (sequence: number) => process.alive && !process.paused && held.has(sequence) };
    return {
      name: log.source,
      comesAgain: true,
      logs: () => [log.source],
      take: (most) => {
        const taken = this.take(holder, most);
        return {
          messages: taken.map((message) => log.message(message)),
          arrived: () => {
            for (const { sequence } of taken) held.add(sequence);
          },
          acknowledge: (done) => {
            for (const { position } of done) held.delete(position.sequence);
            this.send(process, done);
          },
        };
      },
      wait: (wake) => {
        this.waiting.add(wake);
        return () => this.waiting.delete(wake);
      },
      progress: () => this.progress(process),
      close: () => {},
    };
  }

  /** Acknowledgements are sent and not waited for, each by itself: some may get lost. */
  private send(process: SimProcess, done: readonly SourceMessage[]): void {
    const { place, log, world } = this;
    for (const { position } of done) {
      if (world.random.chance(place.network.lostRequest + place.network.lostAnswer)) continue;
      world.after(process.latencyTo(place), () => {
        if (!place.away) this.acknowledge(position.sequence);
      });
    }
    const what = (): string =>
      `acknowledges ${done.map(({ position }) => position.sequence).join(' ')} of ${log.source}`;
    world.note(process.name, what);
  }

  /** Asked in two questions: more may have happened in between. */
  private async progress(process: SimProcess): Promise<readonly SourceProgress[]> {
    const { log, place } = this;
    const standing = await process.call(place, `ask for the progress of ${log.source}`, () =>
      this.standingNow(),
    );
    const { source, acknowledged } = standing;
    const last = Math.max(standing.last, acknowledged);
    if (acknowledged >= last) return [{ source, acknowledged, last, next: null }];
    const what = `read the first after ${acknowledged}`;
    const next = await process.call(place, what, () => log.at(acknowledged + 1));
    return [{ source, acknowledged, last, next: next === undefined ? null : log.message(next) }];
  }

  private standingNow(): SourceStanding {
    const { source, last } = this.log;
    return { source, acknowledged: this.floor, last, delivered: this.next - 1 };
  }

  private take(to: Holder, most: number): readonly Logged[] {
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

  private acknowledge(sequence: number): void {
    if (sequence <= this.floor || this.above.has(sequence)) return;
    this.pending.delete(sequence);
    this.returned.delete(sequence);
    this.above.add(sequence);
    while (this.above.delete(this.floor + 1)) this.floor++;
    this.onAcknowledged(this.log, this.log.at(sequence) as Logged);
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
