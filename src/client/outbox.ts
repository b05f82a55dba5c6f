/** Reports on their way to the server: kept to a bound, sent in batches, sent again until the server has them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FulcrumError, messageOf } from '../errors.js';
import type { Rejection } from '../ports.js';
import type { Report } from './report.js';

/** What was refused of a batch: sending it again would not help. */
export interface Refused {
  readonly report: Report;
  readonly rejection: Pick<Rejection, 'field' | 'rule'>;
}

export interface OutboxOptions {
  /** Resolves when the server has the batch, but for what it refused. */
  readonly send: (batch: readonly Report[]) => Promise<readonly Refused[]>;
  /** Most reports that are kept, those under way included. */
  readonly maxEvents: number;
  /** Most that they take in memory, in bytes. */
  readonly maxBytes: number;
  readonly whenFull: 'wait' | 'dropOldest';
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

interface Kept {
  readonly report: Report;
  readonly bytes: number;
}

/** Who waits for room in the outbox. */
interface Waiting extends Kept {
  readonly resolve: () => void;
}

const batchEvents = 500;
const batchBytes = 4 * 1024 * 1024;
/** Batches under way at a time: one is made while the other is with the server. */
const lanes = 2;
const firstPauseMs = 100;
const longestPauseMs = 2_000;
const taken = Promise.resolve();

export class Outbox {
  /** From `head` on; what lies before was taken out. */
  private kept: (Kept | undefined)[] = [];
  private head = 0;
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  /** Of what is kept and what is under way. */
  private events = 0;
  private bytes = 0;
  private readonly underWay = new Set<readonly Kept[]>();
  private idle: (() => void)[] = [];
  private flushers: { readonly upTo: number; readonly done: () => void }[] = [];
  private readonly stopped = new AbortController();
  private troubled = false;
  private readonly count = { sent: 0, dropped: 0, refused: 0, retries: 0 };
  private readonly running: Promise<unknown>;

  constructor(private readonly options: OutboxOptions) {
    this.running = Promise.all(Array.from({ length: lanes }, () => this.lane()));
  }

  get counts(): OutboxCounts {
    return { buffered: this.events, ...this.count };
  }

  /**
   * Keeps a report. Resolves at once while there is room; when there is none, as soon as there is.
   *
   * @returns rejects with `buffer_full` when as many wait for room as there is room for
   */
  add(report: Report, bytes: number): Promise<void> {
    if (this.waiting.length === 0 && this.hasRoom(bytes)) {
      this.keep({ report, bytes });
      return taken;
    }
    if (this.options.whenFull === 'dropOldest') {
      this.makeRoom(bytes);
      if (this.hasRoom(bytes)) this.keep({ report, bytes });
      // All that could be let go is under way.
      else this.count.dropped++;
      return taken;
    }
    return this.wait({ report, bytes });
  }

  /** Resolves when all that was added before is with the server, was refused or let go. */
  flush(upTo: number): Promise<void> {
    if (this.oldest() > upTo) return taken;
    return new Promise((done) => this.flushers.push({ upTo, done }));
  }

  /** Sends nothing more. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.wake();
    await this.running;
  }

  private hasRoom(bytes: number): boolean {
    const { maxEvents, maxBytes } = this.options;
    return this.events < maxEvents && (this.bytes + bytes <= maxBytes || this.events === 0);
  }

  private keep(kept: Kept): void {
    this.kept.push(kept);
    this.events++;
    this.bytes += kept.bytes;
    if (this.idle.length > 0) this.wakeSoon();
  }

  private makeRoom(bytes: number): void {
    while (!this.hasRoom(bytes)) {
      const oldest = this.takeOne();
      if (oldest === undefined) return;
      this.leave(oldest);
      this.count.dropped++;
    }
    this.settleFlushes();
  }

  private wait({ report, bytes }: Kept): Promise<void> {
    const { maxEvents, maxBytes } = this.options;
    if (this.waiting.length >= maxEvents || this.waitingBytes + bytes > maxBytes) {
      this.count.refused++;
      const why = `${this.events} reports wait for the server, and ${this.waiting.length} for room among them`;
      const refusal = Promise.reject(
        new FulcrumError('buffer_full', `${why}: await report, or ask for dropOldest`),
      );
      // One who awaits it hears of it; for others it is in the counts.
      refusal.catch(() => {});
      return refusal;
    }
    this.waitingBytes += bytes;
    return new Promise((resolve) => this.waiting.push({ report, bytes, resolve }));
  }

  private admit(): void {
    let admitted = 0;
    for (const { report, bytes, resolve } of this.waiting) {
      if (!this.hasRoom(bytes)) break;
      admitted++;
      this.waitingBytes -= bytes;
      this.keep({ report, bytes });
      resolve();
    }
    if (admitted > 0) this.waiting.splice(0, admitted);
  }

  private takeOne(): Kept | undefined {
    const kept = this.kept[this.head];
    if (kept === undefined) return undefined;
    this.kept[this.head++] = undefined;
    if (2 * this.head >= this.kept.length) {
      this.kept = this.kept.slice(this.head);
      this.head = 0;
    }
    return kept;
  }

  private takeBatch(): Kept[] {
    const batch: Kept[] = [];
    for (let bytes = 0; batch.length < batchEvents && bytes < batchBytes; ) {
      const kept = this.takeOne();
      if (kept === undefined) break;
      batch.push(kept);
      bytes += kept.bytes;
    }
    return batch;
  }

  private async lane(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      const batch = this.takeBatch();
      if (batch.length === 0) {
        await new Promise<void>((resolve) => this.idle.push(resolve));
        continue;
      }
      this.underWay.add(batch);
      const delivered = await this.deliver(batch.map(({ report }) => report));
      this.underWay.delete(batch);
      if (!delivered) return;
      for (const kept of batch) this.leave(kept);
      this.admit();
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
        this.count.sent += batch.length - refused.length;
        this.count.refused += refused.length;
        for (const one of refused) this.options.onRefused(one);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        this.failed(error);
        await sleep(pauseMs, undefined, { signal }).catch(() => {});
        if (signal.aborted) return false;
        this.count.retries++;
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

  private leave({ bytes }: Kept): void {
    this.events--;
    this.bytes -= bytes;
  }

  /** The number of the oldest report that is not done with. */
  private oldest(): number {
    let oldest =
      this.kept[this.head]?.report.number ?? this.waiting[0]?.report.number ?? Number.POSITIVE_INFINITY;
    for (const batch of this.underWay)
      oldest = Math.min(oldest, batch[0]?.report.number ?? Number.POSITIVE_INFINITY);
    return oldest;
  }

  private settleFlushes(): void {
    if (this.flushers.length === 0) return;
    const oldest = this.oldest();
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

  private wake(): void {
    for (const go of this.idle.splice(0)) go();
  }
}
