import { FulcrumError } from '../errors.js';
import type { TrustOutcome } from '../trust/outcome.js';
import { Circuits } from './circuits.js';
import type { Classifier } from './classifier.js';
import type { CompleteOptions } from './complete-options.js';
import { checkGuard, Guard, type GuardedCall, type GuardOptions } from './guard.js';
import { Outbox, type OutboxCounts } from './outbox.js';
import { checkReport, type Report, type ReportDetails, sizeOf } from './report.js';
import type { Way } from './way.js';

/** What a client has sent, dropped and skipped since it was made. */
export interface FleetCounts extends OutboxCounts {
  /** Events in the stream of circuits that were none, and were skipped. */
  readonly invalidEvents: number;
  /** Changes of circuits that a slow `for await` did not get. */
  readonly missedChanges: number;
}

/** A bound of time. */
export interface WithinOptions {
  /** How long it may take, in ms. */
  readonly withinMs?: number | undefined;
}

/** An object that is no promise: the answer is what a promise resolves to. */
export type Answer = object & { readonly then?: never };

/** An agent's side of a fleet: it reports what comes of calls, knows which circuits are open, and guards calls. */
export class Fleet implements AsyncDisposable {
  /** All open circuits of the tenant, looked up in memory. */
  readonly circuits: Circuits;
  private readonly outbox: Outbox;
  private readonly guards: Guard;
  private number = 0;
  private closing: Promise<void> | null = null;
  private ended = (): void => {};
  /** Resolves when it is closed. */
  readonly closed = new Promise<void>((resolve) => {
    this.ended = resolve;
  });

  /** Use `connectFleet`. */
  constructor(
    private readonly way: Way,
    private readonly options: CompleteOptions,
  ) {
    const { tenant, whenStale, staleAfterMs, buffer, classifier, onStatus } = options;
    this.circuits = new Circuits({ tenant, way, whenStale, staleAfterMs });
    this.outbox = new Outbox({
      ...buffer,
      send: (batch) => way.send(batch),
      onTrouble: (error) => onStatus(`reports wait: ${error.message}`, 'warn'),
      onRecovered: () => onStatus('reports are sent again', 'info'),
      onRefused: ({ report: { agentA, agentB }, rejection: { field, rule } }) =>
        onStatus(`a report of ${agentA} and ${agentB} was refused: ${`${field} ${rule}`.trim()}`, 'error'),
    });
    this.guards = new Guard({
      circuits: this.circuits,
      probes: way.probes,
      probeLeaseMs: options.probeLeaseMs,
      classifier,
      report: (agentA, agentB, outcome, details) => this.add(agentA, agentB, outcome, details),
    });
  }

  /** Whose circuits it sees, and for whom it reports. */
  get tenant(): string {
    return this.options.tenant;
  }

  /** Tells what came of a guarded call. */
  get classifier(): Classifier {
    return this.options.classifier;
  }

  /** What came of its reports and of the events of circuits, since it connected. */
  get counts(): FleetCounts {
    return { ...this.outbox.counts, ...this.circuits.counts };
  }

  /**
   * Reports what came of an interaction of two agents. It is sent in the background, again and again until the server
   * has it, under one id, so that it counts once; nobody has to wait for that.
   *
   * @returns resolves at once while there is room in the buffer. While there is none, as soon as there is: who awaits
   *   it is held back. Rejects with `buffer_full` when too many wait already.
   * @throws TrustValueError at the call, for a name, an outcome or a detail that no processor would take;
   *   FulcrumError `closed`
   */
  report(agentA: string, agentB: string, outcome: TrustOutcome, details?: ReportDetails): Promise<void> {
    checkReport(agentA, agentB, outcome, details);
    this.requireOpen();
    return this.add(agentA, agentB, outcome, details);
  }

  /**
   * Makes a call between two agents if their circuit lets it through, and reports what came of it: a call that throws
   * failed, of others the classifier says it. While the circuit is HALF_OPEN one call of the whole fleet is let
   * through at a time, as the probe.
   *
   * @param run gets a signal that fires when the pair's circuit opens while it runs. It has to declare that parameter:
   *   a function without parameters gets one that never fires, which costs less.
   * @throws TrustCircuitOpen when the call was not made; whatever `run` throws
   */
  guard<T extends Answer | null | undefined>(
    agentA: string,
    agentB: string,
    run: GuardedCall<T>,
    options?: GuardOptions<T>,
  ): Promise<T>;
  /** An answer that is no object would count as a failure: `classify` has to say what it is. */
  guard<T>(
    agentA: string,
    agentB: string,
    run: GuardedCall<T>,
    options: GuardOptions<T> & { readonly classify: (answer: T) => TrustOutcome | null },
  ): Promise<T>;
  async guard<T>(agentA: string, agentB: string, run: GuardedCall<T>, options?: GuardOptions<T>): Promise<T> {
    checkGuard(agentA, agentB, options);
    this.requireOpen();
    return this.guards.call(agentA, agentB, run, options);
  }

  /**
   * Resolves when the server has all that was reported before.
   *
   * @throws FulcrumError `unavailable` when it has not within the time
   */
  async flush({ withinMs }: WithinOptions = {}): Promise<void> {
    const flushed = this.outbox.flush(this.number);
    if (withinMs === undefined) return flushed;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const { buffered } = this.outbox.counts;
        reject(new FulcrumError('unavailable', `${buffered} reports are not sent after ${withinMs} ms`));
      }, withinMs);
    });
    try {
      await Promise.race([flushed, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Sends what was reported, then lets go of the server. Later reports are refused; circuits answer as they were.
   *
   * @param options `withinMs`: how long it tries to send, by default 5000
   * @throws FulcrumError `unavailable` when reports were lost; it is closed all the same
   */
  close({ withinMs = 5_000 }: WithinOptions = {}): Promise<void> {
    this.closing ??= this.closeOnce(withinMs);
    return this.closing;
  }

  /** As `close()`, at the end of an `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async closeOnce(withinMs: number): Promise<void> {
    try {
      await this.flush({ withinMs });
    } finally {
      const stopped = this.outbox.stop();
      await this.circuits.close();
      await this.way.close();
      await stopped;
      this.ended();
    }
  }

  private add(
    agentA: string,
    agentB: string,
    outcome: TrustOutcome,
    details: ReportDetails | undefined,
  ): Promise<void> {
    const report: Report = { number: this.number + 1, atMs: Date.now(), agentA, agentB, outcome, details };
    const bytes = sizeOf(report, this.options);
    this.number++;
    return this.outbox.add(report, bytes);
  }

  private requireOpen(): void {
    if (this.closing !== null) throw new FulcrumError('closed', 'the fleet client is closed');
  }
}
