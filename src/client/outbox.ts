/** Reports on their way to the server: sent in batches, sent again until the server has them. */
import { systemTimers } from '../clock.js';
import { FulcrumError, messageOf } from '../errors.js';
import type { Rejection } from '../ports.js';
import type { Report } from './report.js';
import { type BufferLimits, type Kept, ReportBuffer } from './report-buffer.js';

/** What was refused of a batch: sending it again would not help. */
export interface Refused {
  readonly report: Report;
  readonly rejection: Pick<Rejection, 'field' | 'rule'>;
}

export interface OutboxOptions extends BufferLimits {
  /** Resolves when the server has the batch, but for what it refused. */
  readonly send: (batch: readonly Report[]) => Promise<readonly Refused[]>;
  /** Told once when reports cannot be sent, and once when they can again. */
  readonly onTrouble: (error: FulcrumError) => void;
  readonly onRecovered: () => void;
  readonly onRefused: (refused: Refused) => void;
}

export interface OutboxCounts {
  /** Reports that wait to be sent, or for their acknowledgement. */
  readonly buffered: number;
  /** Reports that the server has. */
  readonly sent: number;
  /** The oldest ones, let go for newer ones because the caller asked for that. */
  readonly dropped: number;
  /** Reports that were not taken: the server refused them, or far more waited than may. */
  readonly refused: number;
  /** Batches that were sent again. */
  readonly retries: number;
}

/** Batches under way at a time: one is made while the other is with the server. */
const lanes = 2;
const firstPauseMs = 100;
const longestPauseMs = 2_000;

export class Outbox {
  private readonly buffer: ReportBuffer;
  private readonly underWay = new Set<readonly Kept[]>();
  private idle: (() => void)[] = [];
  private flushers: { readonly upTo: number; readonly done: () => void }[] = [];
  private readonly stopped = new AbortController();
  private troubled = false;
  private sent = 0;
  private refused = 0;
  private retries = 0;
  private readonly running: Promise<unknown>;

  constructor(private readonly options: OutboxOptions) {
    this.buffer = new ReportBuffer(options);
    this.running = Promise.all(Array.from({ length: lanes }, () => this.lane()));
  }

  get counts(): OutboxCounts {
    const { buffer, sent, refused, retries } = this;
    const { events, dropped } = buffer;
    return { buffered: events, sent, dropped, refused: refused + buffer.refused, retries };
  }

  /**
   * Keeps a report to be sent. Resolves at once while there is room; when there is none, as soon as there is.
   *
   * @param bytes what it takes in memory
   * @returns rejects with `buffer_full` when as many wait for room as there is room for
   */
  add(report: Report, bytes: number): Promise<void> {
    const added = this.buffer.add(report, bytes);
    if (this.idle.length > 0) this.wakeSoon();
    if (this.flushers.length > 0) this.settleFlushes();
    return added;
  }

  /** Resolves when all that was added before is with the server, was refused or let go. */
  flush(upTo: number): Promise<void> {
    if (this.oldest > upTo) return Promise.resolve();
    return new Promise((done) => this.flushers.push({ upTo, done }));
  }

  /** Sends nothing more. */
  async stop(): Promise<void> {
    this.stopped.abort();
    for (const go of this.idle.splice(0)) go();
    await this.running;
  }

  private async lane(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      const batch = this.buffer.takeBatch();
      if (batch.length === 0) {
        await new Promise<void>((resolve) => this.idle.push(resolve));
        continue;
      }
      this.underWay.add(batch);
      const delivered = await this.deliver(batch.map(({ report }) => report));
      this.underWay.delete(batch);
      if (!delivered) return;
      this.buffer.release(batch);
      if (this.idle.length > 0) this.wakeSoon();
      this.settleFlushes();
    }
  }

  /** False: it was stopped before. */
  private async deliver(batch: readonly Report[]): Promise<boolean> {
    const { signal } = this.stopped;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        const refused = await this.options.send(batch);
        this.recovered();
        this.sent += batch.length - refused.length;
        this.refused += refused.length;
        for (const one of refused) this.options.onRefused(one);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        this.failed(error);
        await systemTimers.sleep(pauseMs, signal);
        if (signal.aborted) return false;
        this.retries++;
      }
    }
  }

  private failed(error: unknown): void {
    if (this.troubled) return;
    this.troubled = true;
    this.options.onTrouble(
      error instanceof FulcrumError
        ? error
        : new FulcrumError('unavailable', `reports cannot be sent: ${messageOf(error)}`, { cause: error }),
    );
  }

  private recovered(): void {
    if (!this.troubled) return;
    this.troubled = false;
    this.options.onRecovered();
  }

  /** The number of the oldest report that is not done with. */
  private get oldest(): number {
    const firsts = [...this.underWay].map(([first]) => first?.report.number ?? Number.POSITIVE_INFINITY);
    return Math.min(this.buffer.oldest, ...firsts);
  }

  private settleFlushes(): void {
    const { oldest } = this;
    const open = this.flushers.filter(({ upTo }) => upTo >= oldest);
    for (const { upTo, done } of this.flushers) if (upTo < oldest) done();
    this.flushers = open;
  }

  /** What is reported in this turn of the loop goes together. */
  private wakeSoon(): void {
    const { idle } = this;
    this.idle = [];
    setImmediate(() => {
      for (const go of idle) go();
    });
  }
}
