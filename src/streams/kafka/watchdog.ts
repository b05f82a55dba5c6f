import type { FulcrumError } from '../../errors.js';

/** Something that runs until it is stopped, and may die or stall. */
export interface Run {
  stop(): Promise<void>;
}

/** Signs that a run gives of itself, never before `start` has returned. */
export interface Signs {
  /** It waits for others, and may be silent longer than usual. */
  waiting(): void;
  alive(): void;
  died(error: unknown): void;
}

export interface WatchdogOptions {
  start(signs: Signs): Run;
  /** Silent for longer than this, in ms, it counts as dead. */
  readonly stallMs: number;
  /** The same while it waits for others. */
  readonly waitingMs: number;
  /** Puts a failure, or a silence (null), into words. */
  explain(error: unknown): FulcrumError;
  /** It is down, and is started again until it is up. Told once an outage, and once at its end. */
  onDown(error: FulcrumError): void;
  onUp(): void;
}

const firstPauseMs = 250;
const longestPauseMs = 3_000;

/** Keeps something running: what dies or falls silent is stopped and started anew, with growing pauses. */
export class Watchdog {
  /** Why it is down; null while it is up or comes up for the first time. */
  failure: FulcrumError | null = null;
  /** How often it was started anew. */
  restarts = 0;
  private run: Run | null = null;
  private begunAt = 0;
  private signAt = 0;
  private checkedAt = 0;
  private patienceMs = 0;
  private pauseMs = firstPauseMs;
  private timer: NodeJS.Timeout | undefined;
  private ending: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(private readonly options: WatchdogOptions) {}

  /** Whether it has been silent for half as long as is put up with. */
  get silent(): boolean {
    return Date.now() - this.signAt > this.patienceMs / 2;
  }

  begin(): void {
    this.begunAt = this.signAt = this.checkedAt = Date.now();
    this.patienceMs = this.options.waitingMs;
    const ifCurrent = (act: () => void): void => {
      if (this.run === run) act();
    };
    const run = this.options.start({
      waiting: () => ifCurrent(() => this.hear(this.options.waitingMs)),
      alive: () => ifCurrent(() => this.alive()),
      died: (error) => ifCurrent(() => this.restart(error)),
    });
    this.run = run;
    this.scheduleCheck();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    const { run } = this;
    this.run = null;
    await Promise.all([this.ending, run?.stop()]);
  }

  private hear(patienceMs: number): void {
    this.signAt = Date.now();
    this.patienceMs = patienceMs;
  }

  private alive(): void {
    this.hear(this.options.stallMs);
    if (this.failure === null) return;
    this.failure = null;
    this.options.onUp();
  }

  private scheduleCheck(): void {
    const everyMs = Math.min(1_000, this.options.stallMs / 4);
    this.timer = setTimeout(() => {
      const now = Date.now();
      // When it is this process that was held up, what came meanwhile has yet to be heard.
      if (now - this.checkedAt > 3 * everyMs) this.signAt = now;
      this.checkedAt = now;
      if (now - this.signAt > this.patienceMs) this.restart(null);
      else this.scheduleCheck();
    }, everyMs);
  }

  private restart(error: unknown): void {
    clearTimeout(this.timer);
    const { run } = this;
    this.run = null;
    if (this.closed) return;
    const first = this.failure === null;
    this.failure = this.options.explain(error);
    if (first) this.options.onDown(this.failure);
    this.ending = Promise.resolve(run?.stop());
    void this.ending.then(() => this.pauseAndBegin());
  }

  private pauseAndBegin(): void {
    if (this.closed) return;
    if (Date.now() - this.begunAt > longestPauseMs) this.pauseMs = firstPauseMs;
    this.timer = setTimeout(() => {
      this.restarts++;
      this.begin();
    }, this.pauseMs);
    this.pauseMs = Math.min(2 * this.pauseMs, longestPauseMs);
  }
}
