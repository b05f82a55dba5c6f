import { systemTimers, type Timers } from '../clock.js';
import { FulcrumError } from '../errors.js';
import type { EventLimits } from '../events/delivered.js';
import type {
  Broker,
  Clock,
  EventSink,
  LogSource,
  LostTail,
  RebuiltPlace,
  SharedStore,
  SourceMark,
} from '../ports.js';
import { Handed } from '../processor/handed.js';
import { runInteractions } from '../processor/interactions.js';
import { markOf } from '../processor/marking.js';
import { Relay } from '../processor/relay.js';
import { Sweep } from '../processor/sweep.js';
import { makeRecoveries } from '../processor/upkeep.js';
import type { Work } from '../processor/work.js';
import { untilDone, type Weather } from '../retry.js';
import type { PolicyBook } from '../trust/policies.js';
import { readCircuits } from './circuits-log.js';
import { PinnedResets } from './pinned-resets.js';
import { PublishedCircuits } from './published-circuits.js';
import { countResult, noCounts, type RebuildCounts } from './rebuild-counts.js';
import { RebuiltCommands } from './rebuilt-commands.js';
import { RebuiltLog } from './rebuilt-log.js';
import { RebuiltMarks } from './rebuilt-marks.js';
import { type Reconciled, reconcile } from './reconcile.js';

export interface RebuildOptions {
  readonly store: SharedStore;
  readonly place: RebuiltPlace;
  readonly logs: Pick<Broker, 'follow'>;
  readonly circuits: EventSink;
  readonly policies: () => PolicyBook;
  readonly clock: Clock;
  /** @defaultValue the system's */
  readonly timers?: Timers;
  readonly limits: EventLimits;
  readonly timedRecovery: boolean;
  readonly maxBatch: number;
  readonly weather: Weather;
  /** Ends it where it is. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RebuildProgress) => void;
}

export interface RebuildProgress {
  /** Interactions that are done with, by this rebuild. */
  readonly done: number;
  /** Those that are left, as far as the logs have said. */
  readonly left: number;
}

export interface RebuildResult {
  /** When the first interaction came that the logs still hold, seconds since the epoch; null: none is gone. */
  readonly from: number | null;
  readonly counts: Readonly<RebuildCounts>;
  readonly circuits: Reconciled;
}

/** How often marks are written and commands looked for, in ms. */
const everyMs = 1_000;
/** How long a log is waited for before it is asked whether it has ended, in ms. */
const idleMs = 100;

/**
 * Makes a state anew from the logs: commands first, then interactions from the start of what is kept, and publishes
 * nothing. When it has caught up, circuits that differ from what was published last are announced, and the state is
 * handed over: processors go on where it ended, and what it applied they drop by position.
 *
 * One that died can be begun again: it goes on at its last marks.
 *
 * @throws GaveUp when the signal comes; FulcrumError `store_in_use` when another rebuild has taken over
 */
export function rebuild(options: RebuildOptions): Promise<RebuildResult> {
  return new Rebuild(options).run();
}

class Rebuild {
  private readonly counts = noCounts();
  private readonly work: Work;
  private readonly marks: RebuiltMarks;
  private readonly relay: Relay;
  private readonly resets = new PinnedResets();
  private readonly published = new PublishedCircuits();
  private from: number | null;

  constructor(private readonly options: RebuildOptions) {
    const timers = options.timers ?? systemTimers;
    this.work = workOf(options, timers, this.counts);
    this.marks = new RebuiltMarks(this.work, options.store);
    this.relay = new Relay(options.store.outbox, options.circuits, { timers });
    this.from = options.place.from;
  }

  async run(): Promise<RebuildResult> {
    const { logs, place } = this.options;
    const { must } = this.work;
    const circuitsLog = await must('follow the circuits', () => logs.follow('circuits', 'start'));
    try {
      await this.readCircuits(circuitsLog);
      for (let from = await this.marks.read(); ; ) {
        const lost = await this.readLogs(from);
        if (lost === null) break;
        from = lost.from;
      }
      const circuits = await this.tellCircuits(circuitsLog);
      await must('hand the state over', () => place.handOver());
      return { from: this.from, counts: this.counts, circuits };
    } finally {
      await circuitsLog.close();
    }
  }

  private readCircuits(log: LogSource): Promise<boolean> {
    return readCircuits(this.work, log, (event) => {
      this.resets.take(event);
      this.published.take(event);
    });
  }

  /** Applies all that the logs hold after these positions. Answers what the store lost meanwhile; null: nothing. */
  private async readLogs(from: ReadonlyMap<string, number>): Promise<LostTail | null> {
    const { logs, maxBatch } = this.options;
    const { must, timers } = this.work;
    const commandsLog = await must('follow the commands', () => logs.follow('commands', 'start'));
    const interactions = await must('follow the interactions', () => logs.follow('interactions', from));
    try {
      const commands = new RebuiltCommands(this.work, commandsLog, this.resets, this.counts);
      await commands.readUp();
      const log = new RebuiltLog(interactions, maxBatch, () => timers.elapsedMs());
      const lost = await this.readInteractions(log, commands, from);
      if (lost !== null) return lost;
      await commands.readUp();
      return await this.finish(interactions, commands);
    } finally {
      await Promise.all([commandsLog.close(), interactions.close()]);
    }
  }

  private async readInteractions(
    log: RebuiltLog,
    commands: RebuiltCommands,
    from: ReadonlyMap<string, number>,
  ): Promise<LostTail | null> {
    const { work } = this;
    const ended = new AbortController();
    const beside = async (): Promise<LostTail | null> => {
      try {
        for (;;) {
          const lost = await this.upkeep(log, commands, from);
          if (lost !== null || ended.signal.aborted) return lost;
          await work.timers.sleep(everyMs, ended.signal);
        }
      } finally {
        log.close();
      }
    };
    // On a shared store recoveries are made beside the batches.
    const sweep = new Sweep(work.store, () => ({ policyOf: work.policies().policyOf, nowMs: 0 }), []);
    const reading = runInteractions(work, sweep, log).finally(() => ended.abort());
    const [lost] = await Promise.all([beside(), reading]);
    return lost;
  }

  /** What is done once a second beside the interactions. */
  private async upkeep(
    log: RebuiltLog,
    commands: RebuiltCommands,
    from: ReadonlyMap<string, number>,
  ): Promise<LostTail | null> {
    const { must } = this.work;
    const { onProgress, place } = this.options;
    if (!(await must('say that it is rebuilt', () => place.hold())))
      throw new FulcrumError('store_in_use', 'another rebuild has taken this state over: this one ends');
    await this.noteFrom(log, from);
    await must('ask how much is left', () => log.progress());
    onProgress(log.counts);
    await commands.readUp();
    const applied = new Map([...commands.applied, ...log.applied]);
    return this.marks.write(marksAt(applied), new Map([...from, ...applied]));
  }

  /** Of a log that was read from its start and is not whole any more, the first event that is left says from when. */
  private async noteFrom(log: RebuiltLog, begun: ReadonlyMap<string, number>): Promise<void> {
    const gone = log.firsts.filter(({ position }) => !begun.has(position.source) && position.sequence > 1);
    const from = Math.max(this.from ?? 0, ...gone.map(({ receivedAt }) => receivedAt ?? 0));
    if (from <= (this.from ?? 0)) return;
    this.from = from;
    await this.work.must('note from when there are events', () => this.options.place.setFrom(from));
  }

  /** The last marks, and recoveries by time up to what all logs have read. */
  private async finish(interactions: LogSource, commands: RebuiltCommands): Promise<LostTail | null> {
    const { work } = this;
    const now = work.clock();
    const progress = await work.must('ask how far it is', () => progressOfAll(interactions));
    const marks = progress.map((log) => markOf(work, interactions, log, now));
    const all = [...marks, ...marksAt(commands.applied)];
    const reached = new Map(all.map(({ source, acknowledged }) => [source, acknowledged]));
    const lost = await this.marks.write(all, reached, true);
    if (lost !== null) return lost;
    const until = Math.min(...marks.map(({ readTo }) => readTo ?? Number.NEGATIVE_INFINITY));
    if (work.rules.timedRecovery && Number.isFinite(until)) await makeRecoveries(work, until);
    return null;
  }

  /** Announces circuits that differ from the last that was published; what an earlier rebuild announced counts as that. */
  private async tellCircuits(log: LogSource): Promise<Reconciled> {
    const publish = () => this.work.must('publish circuit events', () => this.relay.flush());
    await publish();
    await this.readCircuits(log);
    const reconciled = await reconcile(this.work, { published: this.published, whole: true });
    await publish();
    return reconciled;
  }
}

function workOf(options: RebuildOptions, timers: Timers, counts: RebuildCounts): Work {
  const { store, policies, clock, limits, timedRecovery, maxBatch, signal, weather } = options;
  return {
    store,
    // What is refused was a dead letter before, or will be one when a processor reads it.
    deadLetters: { publish: () => {} },
    policies,
    clock,
    timers,
    limits,
    rules: { timedRecovery, streamed: true, publishes: false },
    maxBatch,
    idleMs,
    observer: {
      wantsStates: false,
      applied: (_event, result) => countResult(counts, result),
      refused: () => {
        counts.refused++;
      },
    },
    shared: true,
    handed: new Handed(),
    tell: () => {},
    troubled: () => () => {},
    publish: async () => {},
    must: (what, work) => untilDone(what, work, signal, weather, timers),
  };
}

function marksAt(positions: ReadonlyMap<string, number>): SourceMark[] {
  return [...positions].map(([source, acknowledged]) => ({ source, acknowledged }));
}

/** @throws FulcrumError `unavailable` while one of the logs does not say */
async function progressOfAll(source: LogSource) {
  const progress = await source.progress();
  if (progress.length >= source.logs().length) return progress;
  throw new FulcrumError('unavailable', `${source.name} does not say how far each of its logs is read`);
}
