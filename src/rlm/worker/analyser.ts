import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import { AllAcknowledged } from '../../all-acknowledged.js';
import { systemTimers, type Timers } from '../../clock.js';
import { defaultLimits, type EventLimits } from '../../events/delivered.js';
import type { Clock, EventSink, EventSource, SourceStanding } from '../../ports.js';
import { GaveUp, untilDone, type Weather, withinGrace } from '../../retry.js';
import type { AnalysisStore, TranscriptStore } from '../ports.js';
import type { FeedbackOptions } from './feedback.js';
import { questionOfCircuit, questionOfRequest } from './question.js';
import { answerQuestions } from './questions.js';
import { keepTurns } from './turns.js';
import type { Analyze, Work } from './work.js';

export interface AnalyserOptions {
  /** Where interactions come from: what they say is kept. */
  readonly interactions: EventSource;
  /** Where circuit events come from: each that opens one is analysed. */
  readonly circuits: EventSource;
  /** Where requests come from, and results, which are passed over. */
  readonly requests: EventSource;
  /** Where results go, dead letters, and the outcomes of feedback. */
  readonly sink: EventSink;
  readonly transcripts: TranscriptStore;
  readonly analyses: AnalysisStore;
  readonly analyze: Analyze;
  /** How far all analysers together have read the interactions; empty where it cannot be said. */
  readonly standing: () => Promise<readonly SourceStanding[]>;
  /** Seconds since the epoch. */
  readonly clock: Clock;
  /** @defaultValue the system's */
  readonly timers?: Timers;
  readonly limits?: EventLimits;
  /** Analyses made at once. @defaultValue 2 */
  readonly atOnce?: number;
  /** How long an analysis waits at most for what was said before it was asked for, in ms. @defaultValue 10000 */
  readonly catchUpMs?: number;
  /** Makes outcomes of verdicts. @defaultValue it does not */
  readonly feedback?: FeedbackOptions | null;
  readonly weather?: Weather;
  /** Told of each analysis in one line. @defaultValue nobody */
  readonly onStatus?: Work['tell'];
}

/** How often it is asked how far the interactions are read, in ms. */
const askEveryMs = 100;
const silence: Weather = { failed: () => {}, recovered: () => {} };

/**
 * Keeps what agents say, and says why circuits opened: on circuit events and on request. Any number of them share the work
 * of one broker. When a store or the broker is away it waits and tries again; nothing is acknowledged meanwhile.
 */
export class Analyser {
  private readonly stopping = new AbortController();
  private readonly giveUp = new AbortController();
  private readonly work: Work;
  private running: Promise<void> | null = null;

  constructor(private readonly options: AnalyserOptions) {
    const { timers = systemTimers, weather = silence } = options;
    const { stopping, giveUp } = this;
    for (const { signal } of [stopping, giveUp]) setMaxListeners(0, signal);
    this.work = {
      transcripts: options.transcripts,
      analyses: options.analyses,
      sink: options.sink,
      analyze: options.analyze,
      feedback: options.feedback ?? null,
      limits: options.limits ?? defaultLimits,
      clock: options.clock,
      timers,
      inTurn: pLimit(options.atOnce ?? 2),
      tell: options.onStatus ?? (() => {}),
      stopping: stopping.signal,
      giveUp: giveUp.signal,
      caughtUp: () => this.caughtUp(timers),
      must: (what, work) => untilDone(what, work, giveUp.signal, weather, timers),
    };
  }

  /** Runs until its sources have ended, or until it is stopped. */
  run(): Promise<void> {
    this.running ??= this.runAll().catch((error: unknown) => {
      if (!(error instanceof GaveUp)) throw error;
    });
    return this.running;
  }

  /**
   * Reads its sources no further and begins no analysis; what is under way is finished and acknowledged, then `run` resolves.
   *
   * @param graceMs after this long, what is not done is given up, unacknowledged: it is asked again. @defaultValue 10000
   */
  async stop(graceMs = 10_000): Promise<void> {
    const { interactions, circuits, requests } = this.options;
    this.stopping.abort();
    try {
      await withinGrace(graceMs, this.giveUp, this.work.timers, async () => {
        await interactions.close();
        // Its questions are open until then: a group that is left takes no acknowledgement any more.
        await this.running;
      });
    } finally {
      for (const source of [circuits, requests]) await source.close();
    }
  }

  private async runAll(): Promise<void> {
    const { work } = this;
    const { interactions, circuits, requests } = this.options;
    await Promise.all([
      keepTurns(work, interactions),
      answerQuestions(work, circuits, questionOfCircuit),
      answerQuestions(work, requests, (message) => questionOfRequest(requests, message, work.limits)),
    ]);
  }

  private async caughtUp(timers: Timers): Promise<void> {
    const all = new AllAcknowledged(this.options.standing);
    const deadline = timers.elapsedMs() + (this.options.catchUpMs ?? 10_000);
    const { signal } = this.stopping;
    while (!(await all.ask()) && timers.elapsedMs() < deadline && !signal.aborted)
      await timers.sleep(askEveryMs, signal);
  }
}
