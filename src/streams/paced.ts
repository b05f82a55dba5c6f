import { earliestTime, latestTime, parseTime } from '../events/time.js';
import type { Clock, EventSource, SourceBatch, SourceMessage } from '../ports.js';

/** Delivers another source's events at the speed at which they happened, times a factor. */
export class PacedSource implements EventSource {
  readonly headerPrefix: EventSource['headerPrefix'];
  readonly name: string;
  readonly system: string;
  /** The source has no more. */
  ended = false;
  private waiting: SourceMessage[] = [];
  private start: { readonly eventTime: number; readonly wallTime: number } | null = null;
  /** Of the event looked at last that says its time; null before there is one. */
  private lastTime: number | null = null;

  constructor(
    private readonly source: EventSource,
    /** Seconds of the events in one second of the clock. */
    private readonly speed: number,
    /** Seconds since the epoch. */
    private readonly wallClock: Clock,
  ) {
    this.name = source.name;
    this.system = source.system;
    this.headerPrefix = source.headerPrefix;
  }

  /** How far the events' own time has gone, seconds since the epoch. */
  readonly clock: Clock = () => {
    if (this.start === null) return 0;
    return this.start.eventTime + (this.wallClock() - this.start.wallTime) * this.speed;
  };

  async read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null> {
    if (this.waiting.length === 0) {
      const batch = await this.source.read(maxMessages, maxWaitMs);
      if (batch === null) {
        this.ended = true;
        return null;
      }
      this.waiting = [...batch.messages];
    }
    const first = this.waiting[0];
    if (first !== undefined) {
      const aheadMs = this.aheadMs(first);
      if (aheadMs > 0)
        await new Promise((resolve) => setTimeout(resolve, Math.min(Math.ceil(aheadMs), maxWaitMs)));
    }
    const now = this.clock();
    let due = 0;
    while (due < this.waiting.length && (this.timeOf(this.waiting[due] as SourceMessage) ?? now) <= now)
      due++;
    return { messages: this.waiting.splice(0, due), ack: () => {} };
  }

  async close(): Promise<void> {
    this.waiting = [];
    await this.source.close();
  }

  /** How long an event has to wait, in ms. The first that says its time starts the clock. */
  private aheadMs(message: SourceMessage): number {
    const time = this.timeOf(message);
    if (time === null) return 0;
    this.start ??= { eventTime: time, wallTime: this.wallClock() };
    return ((time - this.clock()) / this.speed) * 1_000;
  }

  /** An event that does not say its time, or no possible one, goes with the one before it. */
  private timeOf(message: SourceMessage): number | null {
    let time: unknown;
    try {
      time = (JSON.parse(Buffer.from(message.body).toString('utf8')) as { time?: unknown } | null)?.time;
    } catch {
      return this.lastTime;
    }
    const seconds = typeof time === 'string' ? parseTime(time) : time;
    if (typeof seconds === 'number' && seconds >= earliestTime && seconds <= latestTime)
      this.lastTime = seconds;
    return this.lastTime;
  }
}
