import { systemTimers } from '../clock.js';
import type { AgentKeys, AgentTelemetry, Clock, Lease, LogSource } from '../ports.js';
import { GaveUp, untilDone, type Weather } from '../retry.js';
import { HeldLease } from './held-lease.js';
import type { ForeignWritesListener } from './key-keeper.js';
import { Turn } from './turn.js';

export interface ProjectorOptions {
  /** The tenant whose agents are projected: keys and subjects name none. */
  readonly tenant: string;
  /** Its circuit events, from the first that is kept. */
  readonly follow: () => Promise<LogSource>;
  readonly lease: Lease;
  /** Null: no keys are written. */
  readonly keys: AgentKeys | null;
  /** Null: nothing is told. */
  readonly telemetry: AgentTelemetry | null;
  /** Stamps what is told. */
  readonly clock: Clock;
  /** How often each key is compared with what it has to be, in ms. @defaultValue 5000 */
  readonly compareEveryMs?: number;
  readonly weather: Weather;
  /** Told when this process has become the one that projects. */
  readonly onProjecting: () => void;
  readonly onForeignWrites: ForeignWritesListener;
}

/** What the projector of this process has come to. */
export interface ProjectorCounts {
  /** This process is the one that projects, and has read what there was. */
  readonly projecting: boolean;
  /** Agents whose keys others had written and that were put right. */
  readonly foreignWrites: number;
  /** Pairs that are kept in memory. */
  readonly pairs: number;
}

const [firstPauseMs, longestPauseMs] = [100, 10_000];

/**
 * Shows how agents stand to systems that know no pairs: keys, and events for who listens. Of all processes one does it,
 * under a lease; the others stand by. What goes wrong is told and tried again: nothing else waits for it.
 */
export class Projector {
  private readonly lease: HeldLease;
  private readonly giveUp = new AbortController();
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  private turn: Turn | null = null;
  private foreignWrites = 0;
  private troubled = false;

  constructor(private readonly options: ProjectorOptions) {
    this.lease = new HeldLease(options.lease);
  }

  get counts(): ProjectorCounts {
    const projecting = this.turn?.caughtUp === true && this.lease.held;
    return { projecting, foreignWrites: this.foreignWrites, pairs: this.turn?.pairs ?? 0 };
  }

  /** Projects, or stands by, until it is stopped. */
  run(): Promise<void> {
    this.running = this.takeTurns();
    return this.running;
  }

  /**
   * Projects what has been published so far and lets the lease go, then `run` resolves.
   *
   * @param graceMs after this long, what is not done is given up. @defaultValue 3000
   */
  async stop(graceMs = 3_000): Promise<void> {
    this.stopping = true;
    const timer = setTimeout(() => this.giveUp.abort(), graceMs);
    if (this.turn === null) this.giveUp.abort();
    else this.turn.finish();
    await this.running.finally(() => clearTimeout(timer));
  }

  private async takeTurns(): Promise<void> {
    const { weather } = this.options;
    const { signal } = this.giveUp;
    const ask = () => untilDone('ask for the projector lease', () => this.lease.hold(), signal, weather);
    let pauseMs = firstPauseMs;
    while (!this.stopping) {
      try {
        if (!(await ask())) await systemTimers.sleep(this.lease.askEveryMs, signal);
        else if (!this.stopping) await this.takeTurn();
      } catch (error) {
        if (error instanceof GaveUp) continue;
        pauseMs = this.troubled ? Math.min(2 * pauseMs, longestPauseMs) : firstPauseMs;
        if (!this.troubled) weather.failed('project agents', error);
        this.troubled = true;
        await systemTimers.sleep(pauseMs, signal);
      }
    }
    await this.lease.release().catch(() => {});
  }

  private async takeTurn(): Promise<void> {
    const { onForeignWrites, onProjecting, weather } = this.options;
    const count: ForeignWritesListener = (found) => {
      this.foreignWrites += found.length;
      onForeignWrites(found);
    };
    const caughtUp = (): void => {
      if (this.troubled) weather.recovered('project agents');
      this.troubled = false;
      onProjecting();
    };
    this.turn = new Turn(this.options, this.lease, this.giveUp.signal, count, caughtUp);
    await this.turn.run().finally(() => {
      this.turn = null;
    });
  }
}
