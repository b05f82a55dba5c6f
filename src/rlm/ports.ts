/**
 * What the analyser needs from outside, written for it. Adapters stand in `src/store` and `src/rlm`; only the composition
 * root knows which is used.
 */
import type { Awaitable, Position } from '../ports.js';
import type { AnalysisResult } from './result.js';
import type { Turn } from './transcript.js';

// ---------------------------------------------------------------------------------------- transcripts

/** A conversation: one session of one pair. */
export interface SessionOf {
  readonly tenant: string;
  readonly pairId: string;
  readonly session: string;
}

/** A turn as an interaction carried it. */
export interface TurnToKeep extends SessionOf {
  readonly turn: Turn & { readonly time: number; readonly eventId: string };
  readonly position: Position;
}

/** What is kept of one session. */
export interface KeptSession {
  readonly session: string;
  readonly turns: number;
  /** UTF-8 bytes of the texts. */
  readonly bytes: number;
  /** Of its newest turn, seconds since the epoch. */
  readonly lastAt: number;
}

/** How much is kept; what is oldest goes first. */
export interface TranscriptBounds {
  /** UTF-8 bytes of the texts of one pair, all sessions together. */
  readonly bytesPerPair: number;
  /** Age of a turn by its own time, in seconds. */
  readonly maxAgeSeconds: number;
  /** UTF-8 bytes of all texts together. */
  readonly bytesInTotal: number;
}

/** What agents said, as long as it may be needed to say why a pair tripped. */
export interface TranscriptStore {
  /**
   * Keeps turns, each position once, and holds the bounds. They are safe when it resolves; one that throws has kept all
   * or some, and is called again with the same.
   */
  add(turns: readonly TurnToKeep[]): Awaitable<void>;
  /** Sessions of a pair of which something is kept, the one that spoke last first. */
  sessions(tenant: string, pairId: string): Awaitable<readonly KeptSession[]>;
  /**
   * A session's turns by time, those of one time by position; read as they are needed, never all at once.
   *
   * @param since seconds since the epoch: earlier turns are left out. @defaultValue all that are kept
   */
  turns(session: SessionOf, since?: number): AsyncIterable<Turn>;
  close(): Awaitable<void>;
}

// ------------------------------------------------------------------------------------------- analyses

/** An analysis and what it was of. */
export interface StoredAnalysis {
  readonly tenant: string;
  readonly pairId: string;
  /** Null: nothing that the pair said is kept. */
  readonly session: string | null;
  /** When it was made, seconds since the epoch. */
  readonly at: number;
  /** What asked for it: a circuit event's id, or a request's. */
  readonly askedBy: string;
  readonly result: AnalysisResult;
}

/** The last analysis of each pair, beside its trust state and never in it. */
export interface AnalysisStore {
  /** Keeps it where the pair has none that was made later. */
  keep(analysis: StoredAnalysis): Awaitable<void>;
  latest(tenant: string, pairId: string): Awaitable<StoredAnalysis | null>;
  /**
   * Whether an analysis of this id was kept, be it the pair's last or one of those before it: of a pair the newest
   * {@link keptAnalysisIds} are known.
   */
  isMade(tenant: string, pairId: string, analysisId: string): Awaitable<boolean>;
}

/** How many analyses of a pair are known by their ids. */
export const keptAnalysisIds = 32;

// ------------------------------------------------------------------------------------------- programs

/** What a navigation program may call. Each answers JSON. */
export const primitives = [
  'handles',
  'middleHandles',
  'peek',
  'grep',
  'llmBatch',
  'recordStep',
  'updateAnswer',
] as const;
/** What a navigation program may call: docs/rlm-models.md. */
export type Primitive = (typeof primitives)[number];

/** The host's side of a program: reserves what a call costs, then does it. */
export interface ProgramHost {
  /** @throws FulcrumError what the program sees as an exception, and may catch */
  call(primitive: Primitive, args: readonly unknown[]): Promise<unknown>;
}

/** What one program may take. */
export interface ProgramLimits {
  readonly memoryBytes: number;
  readonly stackBytes: number;
  /** After which the guest is interrupted, ms of wall time without the waiting for the host. */
  readonly cpuMs: number;
  /** After which the thread is ended, whatever it does, ms of wall time with all waiting. */
  readonly deadlineMs: number;
}

/** How a program ended. Only `done` may lead to a finding. */
export type ProgramEnd =
  | { readonly kind: 'done' }
  /** The program threw, or is no program. */
  | { readonly kind: 'failed'; readonly cause: string }
  /** Interrupted, out of memory, out of stack, or the thread was ended. */
  | { readonly kind: 'killed'; readonly cause: string };

/** Runs one navigation program in a sandbox of its own. It never rejects for what the program does. */
export type RunProgram = (
  program: string,
  host: ProgramHost,
  limits: ProgramLimits,
  signal?: AbortSignal,
) => Promise<ProgramEnd>;

// --------------------------------------------------------------------------------------------- models

/** What asking a model took. */
export interface ModelUse {
  readonly promptTokens: number;
  readonly answerTokens: number;
  /** US dollars. */
  readonly cost: number;
}

/** Asks a model. */
export interface Model {
  readonly name: string;
  /**
   * What a request can take at most; reserved before it is made.
   */
  atMost(request: ModelRequest): ModelUse;
  /** @throws ModelError */
  ask(request: ModelRequest, signal?: AbortSignal): Promise<ModelAnswer>;
}

/** What a model is asked. */
export interface ModelRequest {
  readonly system: string;
  readonly user: string;
  /** Tokens of the answer at most. */
  readonly maxAnswerTokens: number;
}

/** What a model answered. */
export interface ModelAnswer {
  readonly text: string;
  readonly use: ModelUse;
  /** true: it was asked before, nothing was paid. */
  readonly cached: boolean;
}
