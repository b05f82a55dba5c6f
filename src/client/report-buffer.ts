/** Reports that wait to be sent, kept to a bound. */
import { FulcrumError } from '../errors.js';
import type { Report } from './report.js';

export interface BufferLimits {
  /** Most reports that are kept, those under way included. */
  readonly maxEvents: number;
  /** Most that they take in memory, in bytes. */
  readonly maxBytes: number;
  readonly whenFull: 'wait' | 'dropOldest';
}

/** A report, and what it takes in memory, in bytes. */
export interface Kept {
  readonly report: Report;
  readonly bytes: number;
}

/** Who waits for room. */
interface Waiting extends Kept {
  readonly resolve: () => void;
}

const batchEvents = 500;
const batchBytes = 4 * 1024 * 1024;
const taken = Promise.resolve();

/** What is taken out keeps its room until it is said to be done with. */
export class ReportBuffer {
  /** Of what is kept and what is under way. */
  events = 0;
  /** Reports that were let go for newer ones. */
  dropped = 0;
  /** Reports for which there was not even room to wait. */
  refused = 0;
  private bytes = 0;
  /** From `head` on; what lies before was taken out. */
  private kept: (Kept | undefined)[] = [];
  private head = 0;
  private waiting: Waiting[] = [];
  private waitingBytes = 0;

  constructor(private readonly limits: BufferLimits) {}

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
    if (this.limits.whenFull === 'wait') return this.wait({ report, bytes });
    this.makeRoom(bytes);
    if (this.hasRoom(bytes)) this.keep({ report, bytes });
    // All that could be let go is under way.
    else this.dropped++;
    return taken;
  }

  /** The oldest ones, as many as go together. */
  takeBatch(): Kept[] {
    const batch: Kept[] = [];
    for (let bytes = 0; batch.length < batchEvents && bytes < batchBytes; ) {
      const kept = this.takeOne();
      if (kept === undefined) break;
      batch.push(kept);
      bytes += kept.bytes;
    }
    return batch;
  }

  /** What was taken out is done with: others have its room. */
  release(batch: readonly Kept[]): void {
    for (const kept of batch) this.leave(kept);
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

  /** The number of the oldest report that is not taken out. */
  get oldest(): number {
    const { report } = this.kept[this.head] ?? this.waiting[0] ?? {};
    return report?.number ?? Number.POSITIVE_INFINITY;
  }

  private hasRoom(bytes: number): boolean {
    const { maxEvents, maxBytes } = this.limits;
    return this.events < maxEvents && (this.bytes + bytes <= maxBytes || this.events === 0);
  }

  private keep(kept: Kept): void {
    this.kept.push(kept);
    this.events++;
    this.bytes += kept.bytes;
  }

  private leave({ bytes }: Kept): void {
    this.events--;
    this.bytes -= bytes;
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

  private makeRoom(bytes: number): void {
    while (!this.hasRoom(bytes)) {
      const oldest = this.takeOne();
      if (oldest === undefined) return;
      this.leave(oldest);
      this.dropped++;
    }
  }

  private wait({ report, bytes }: Kept): Promise<void> {
    const { maxEvents, maxBytes } = this.limits;
    if (this.waiting.length >= maxEvents || this.waitingBytes + bytes > maxBytes) {
      this.refused++;
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
}
