import type { LimitFunction } from 'p-limit';
import type { Timers } from '../../clock.js';
import type { EventLimits } from '../../events/delivered.js';
import type { Clock, EventSink } from '../../ports.js';
import type { AnalysisStore, TranscriptStore } from '../ports.js';
import type { AnalysisResult } from '../result.js';
import type { Transcript } from '../transcript.js';
import type { FeedbackOptions } from './feedback.js';

/** How a transcript is analysed: by the rules alone, or with a model. The signal ends it; it then rejects. */
export type Analyze = (transcript: Transcript, signal: AbortSignal) => Promise<AnalysisResult>;

/** What the loops of one analyser share. */
export interface Work {
  readonly transcripts: TranscriptStore;
  readonly analyses: AnalysisStore;
  readonly sink: EventSink;
  readonly analyze: Analyze;
  /** Null: no verdict becomes an outcome. */
  readonly feedback: FeedbackOptions | null;
  readonly limits: EventLimits;
  readonly clock: Clock;
  readonly timers: Timers;
  /** Bounds how many analyses are made at once. */
  readonly inTurn: LimitFunction;
  /** Tells in one line what happened. */
  readonly tell: (line: string, level: 'info' | 'warn' | 'error') => void;
  /** Aborts when nothing new is to be begun. */
  readonly stopping: AbortSignal;
  /** Aborts when what is under way is to be given up. */
  readonly giveUp: AbortSignal;
  /** Resolves when what was said up to now is kept, or after a while. */
  caughtUp(): Promise<void>;
  /** Does it until it is done. @throws GaveUp when the analyser was told to stop */
  must<T>(what: string, work: () => T | Promise<T>): Promise<T>;
}
