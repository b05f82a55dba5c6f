import { setMaxListeners } from 'node:events';
import { systemTimers, type Timers } from '../clock.js';
import { defaultLimits, type EventLimits } from '../events/delivered.js';
import {
  type Broker,
  type Clock,
  type EventSink,
  type EventSource,
  isLog,
  isShared,
  type TrustStore,
} from '../ports.js';
import { GaveUp, untilDone, type Weather, withinGrace } from '../retry.js';
import { transitionClock } from '../trust/evaluator.js';
import type { PolicyBook } from '../trust/policies.js';
import { runCommands } from './commands.js';
import { Handed } from './handed.js';
import { runInteractions } from './interactions.js';
import { LateRepeats } from './late-repeats.js';
import type { SharedParts } from './marking.js';
import { Relay } from './relay.js';
import { Sweep } from './sweep.js';
import { beginUpkeep, runUpkeep } from './upkeep.js';
import type { ProcessorObserver, StatusListener, Work } from './work.js';

/** What a processor reads, keeps and writes, and by which rules. */
export interface ProcessorOptions {
  readonly store: TrustStore;
  /** Where interactions come from. */
  readonly interactions: readonly EventSource[];
  /** Where operators' commands come from; no backlog of interactions delays them. */
  readonly commands?: EventSource;
  readonly circuits: EventSink;
  readonly deadLetters: EventSink;
  /** Where what a shared store lost is read again from. @defaultValue nowhere: what it lost stays lost */
  readonly logs?: Pick<Broker, 'follow' | 'standing'>;
  /** Asked for every batch: a changed document acts from a pair's next update. */
  readonly policies: () => PolicyBook;
  /** Seconds since the epoch: how far time has gone when a source is read up, and the number of transitions. */
  readonly clock: Clock;
  /** @defaultValue the system's */
  readonly timers?: Timers;
  readonly limits?: EventLimits;
  /** Circuits of silent pairs recover by time. @defaultValue true */
  readonly timedRecovery?: boolean;
  /** Most events applied in one atomic step. @defaultValue 512 */
  readonly maxBatch?: number;
  /** How long a source is waited for before it counts as read up, in ms. @defaultValue 100 */
  readonly idleMs?: number;
  readonly weather?: Weather;
  /** Told of what a shared store lost and of what became of it. @defaultValue nobody */
  readonly onStatus?: StatusListener;
  readonly observer?: ProcessorObserver;
}

/**
 * Reads interactions, applies them to the store, publishes what circuits do, and acknowledges, in that order.
 * When the store or a sink is away it waits and tries again; nothing is acknowledged meanwhile.
 */
export class Processor {
  private readonly relay: Relay;
  private readonly work: Work;
  private readonly lateRepeats: LateRepeats | null;
  private readonly troubles = new Set<string>();
  private readonly giveUp = new AbortController();
  private running: Promise<void> | null = null;

  constructor(private readonly options: ProcessorOptions) {
    const { store, circuits, deadLetters, policies, clock, timers = systemTimers } = options;
    const { logs, onStatus: tell = () => {} } = options;
    const weather = this.watched(options.weather);
    // Each thing under way listens; how many there are is the sources' and the batches' affair.
    setMaxListeners(0, this.giveUp.signal);
    this.work = {
      store,
      deadLetters,
      policies,
      clock,
      timers,
      limits: options.limits ?? defaultLimits,
      rules: { timedRecovery: options.timedRecovery ?? true, streamed: true },
      maxBatch: options.maxBatch ?? 512,
      idleMs: options.idleMs ?? 100,
      observer: options.observer ?? {},
      shared: isShared(store),
      handed: new Handed(),
      tell,
      troubled: (what) => {
        this.troubles.add(what);
        return () => void this.troubles.delete(what);
      },
      publish: () => this.work.must('publish circuit events', () => this.relay.flush()),
      must: (what, work) => untilDone(what, work, this.giveUp.signal, weather, timers),
    };
    const { must } = this.work;
    this.lateRepeats = logs === undefined ? null : new LateRepeats({ broker: logs, circuits, must, tell });
    this.relay = new Relay(store.outbox, circuits, {
      timers,
      clock,
      onGone: (gone, readAt) => this.lateRepeats?.note(gone, readAt),
    });
  }

  /** What it cannot do just now and tries again; empty when all is well. */
  get troubled(): readonly string[] {
    return [...this.troubles];
  }

  /** Runs until every source of interactions has ended, or until it is stopped. */
  run(): Promise<void> {
    this.running ??= this.runAll().catch((error: unknown) => {
      if (!(error instanceof GaveUp)) throw error;
    });
    return this.running;
  }

  /**
   * Reads its sources no further, finishes and acknowledges what was read, then `run` resolves.
   *
   * @param graceMs after this long, what still cannot be done is given up, unacknowledged. @defaultValue 10000
   */
  async stop(graceMs = 10_000): Promise<void> {
    await withinGrace(graceMs, this.giveUp, this.work.timers, async () => {
      for (const source of this.options.interactions) await source.close();
      await this.options.commands?.close();
      await this.running;
    });
  }

  private async runAll(): Promise<void> {
    const { work } = this;
    const { interactions, commands } = this.options;
    const sweep = new Sweep(
      work.store,
      () => ({ policyOf: work.policies().policyOf, nowMs: transitionClock(work.clock()) }),
      interactions.map((source) => source.name),
    );
    const shared = this.sharedParts();
    const lost = shared === null ? null : await beginUpkeep(work, shared);
    // What a process that died has left behind comes first.
    await work.publish();
    const ended = new AbortController();
    const commandLoop = commands === undefined ? Promise.resolve() : runCommands(work, commands);
    const interactionLoops = Promise.all(interactions.map((source) => runInteractions(work, sweep, source)));
    const batches = Promise.all([commandLoop, interactionLoops.finally(() => commands?.close())]).finally(
      () => ended.abort(),
    );
    const upkeep = shared === null ? Promise.resolve() : runUpkeep(work, shared, lost, ended.signal);
    await Promise.all([batches, upkeep]);
    await this.lateRepeats?.settled();
  }

  /** Null where the store is this process's own. */
  private sharedParts(): SharedParts | null {
    const { store, interactions, commands, logs } = this.options;
    if (!isShared(store)) return null;
    return {
      store,
      interactions: interactions.filter(isLog),
      commands: commands !== undefined && isLog(commands) ? [commands] : [],
      broker: logs ?? null,
      overtaken: (pairs, since) => this.lateRepeats?.look(pairs, since),
    };
  }

  private watched(weather: Weather | undefined): Weather {
    return {
      failed: (what, error) => {
        this.troubles.add(what);
        weather?.failed(what, error);
      },
      recovered: (what) => {
        this.troubles.delete(what);
        weather?.recovered(what);
      },
    };
  }
}
