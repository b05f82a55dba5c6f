import { CatchUp } from '../catch-up.js';
import { circuitEventOf } from '../events/circuit.js';
import type { CircuitData } from '../events/schemas.js';
import type { LogSource } from '../ports.js';
import { GaveUp, untilDone } from '../retry.js';
import { agentStates } from '../trust/agent-state.js';
import { AgentBook } from './agent-book.js';
import type { HeldLease } from './held-lease.js';
import { type ForeignWritesListener, KeyKeeper } from './key-keeper.js';
import type { ProjectorOptions } from './projector.js';
import { Rounds } from './rounds.js';

const readAtATime = 500;
const readWaitMs = 200;
const defaultCompareEveryMs = 5_000;

/** What one process does from taking the lease to losing it: reads every circuit event that is kept, then follows. */
export class Turn {
  private readonly book = new AgentBook();
  private readonly keeper: KeyKeeper | null;
  private readonly over = new AbortController();
  private readonly signal: AbortSignal;
  private finishing = false;
  private isCaughtUp = false;

  constructor(
    private readonly options: ProjectorOptions,
    private readonly lease: HeldLease,
    giveUp: AbortSignal,
    onForeignWrites: ForeignWritesListener,
    private readonly onCaughtUp: () => void,
  ) {
    this.signal = AbortSignal.any([this.over.signal, giveUp]);
    this.keeper = options.keys === null ? null : new KeyKeeper(options.keys, this.book, onForeignWrites);
  }

  /** Nothing is written or told before that: it would be how agents stood once. */
  get caughtUp(): boolean {
    return this.isCaughtUp;
  }

  get pairs(): number {
    return this.book.pairCount;
  }

  /** Ends when the lease is lost, or after `finish`. @throws what another turn may mend: a stream that was made anew */
  async run(): Promise<void> {
    const loops = [this.lease.keep(this.signal), this.followCircuits(), this.keepKeys()];
    const results = await Promise.allSettled(loops.map((loop) => loop.finally(() => this.over.abort())));
    for (const result of results)
      if (result.status === 'rejected' && !(result.reason instanceof GaveUp)) throw result.reason;
  }

  /** Projects what has been published so far, then ends. */
  finish(): void {
    this.finishing = true;
  }

  private async followCircuits(): Promise<void> {
    const source = await this.must('follow the circuits', () => this.openSource());
    const catchUp = new CatchUp();
    try {
      for (;;) {
        const batch = await this.must('read circuit events', () => source.read(readAtATime, readWaitMs));
        if (batch === null) return;
        for (const message of batch.messages) {
          const event = circuitEventOf(message);
          if (event?.data.tenant === this.options.tenant) this.take(event.data);
        }
        if (!this.isCaughtUp) {
          const progress = await this.must('ask how far circuits are read', () => source.progress());
          if (catchUp.isDone(source.logs(), progress)) this.begin();
        }
        if (this.finishing && (batch.messages.length === 0 || !this.isCaughtUp)) break;
      }
      if (this.isCaughtUp) await this.writeKeys();
    } finally {
      await source.close();
    }
  }

  private async openSource(): Promise<LogSource> {
    const source = await this.options.follow();
    // Nobody waits for it any more.
    if (this.signal.aborted) await source.close();
    return source;
  }

  private begin(): void {
    this.isCaughtUp = true;
    this.keeper?.change(this.book.agents);
    this.onCaughtUp();
  }

  private take(circuit: CircuitData): void {
    const agents = this.book.take(circuit);
    if (!this.isCaughtUp) return;
    this.keeper?.change(agents);
    for (const agentId of agents) this.tell(agentId, circuit);
  }

  private tell(agentId: string, circuit: CircuitData): void {
    const { telemetry, clock } = this.options;
    if (telemetry === null || !this.lease.held) return;
    // An agent none of whose pairs counts any more is stopped by nothing.
    const free = { state: agentStates.CLOSED, trustScore: circuit.trust_score };
    const standing = this.book.standingOf(agentId) ?? free;
    telemetry.publish({ agentId, ...standing, pairId: circuit.pair_id, timestamp: clock() });
  }

  private async keepKeys(): Promise<void> {
    const { keeper, signal } = this;
    if (keeper === null) return aborted(signal);
    const rounds = new Rounds(this.book, this.options.compareEveryMs ?? defaultCompareEveryMs);
    let compareAt = performance.now() + rounds.pauseMs;
    while (!signal.aborted) {
      await keeper.waitForChanges(compareAt - performance.now(), signal);
      if (signal.aborted) return;
      if (performance.now() >= compareAt) {
        compareAt = Math.max(compareAt + rounds.pauseMs, performance.now());
        if (this.isCaughtUp) keeper.change(rounds.next());
      }
      if (keeper.hasChanges && !(await this.writeKeys())) return;
    }
  }

  /** False: the lease is lost. */
  private async writeKeys(): Promise<boolean> {
    return this.must('write the keys of agents', () => this.lease.held && (this.keeper?.write() ?? true));
  }

  private must<T>(what: string, work: () => T | Promise<T>): Promise<T> {
    return untilDone(what, work, this.signal, this.options.weather);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
