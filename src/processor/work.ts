import type { Timers } from '../clock.js';
import { deadLetter } from '../events/dead-letter.js';
import { deliveredEvent, type EventLimits } from '../events/delivered.js';
import type { AcceptedInteraction } from '../events/interaction.js';
import type {
  ApplyResult,
  Clock,
  CommandResult,
  EventSink,
  EventSource,
  Rejection,
  SourceMessage,
  StoreRules,
  TrustStore,
} from '../ports.js';
import type { PolicyBook } from '../trust/policies.js';
import type { Handed } from './handed.js';

/** Told of everything that the processor takes or refuses, for counters. */
export interface ProcessorObserver {
  /** false: `applied` does not look at states, and the store may leave them out. @defaultValue true */
  readonly wantsStates?: boolean;
  /** An event was applied, or found to be a repeat, a duplicate or superseded. */
  applied?(event: AcceptedInteraction, result: ApplyResult): void;
  /** A message became a dead letter. */
  refused?(message: SourceMessage, rejection: Rejection): void;
}

/** Told in one line what happens. */
export type StatusListener = (line: string, level: 'info' | 'warn' | 'error') => void;

/** What the loops of one processor share. */
export interface Work {
  readonly store: TrustStore;
  readonly deadLetters: EventSink;
  readonly policies: () => PolicyBook;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly limits: EventLimits;
  readonly rules: StoreRules;
  readonly maxBatch: number;
  readonly idleMs: number;
  readonly observer: ProcessorObserver;
  /** The store is others' too: recoveries and marks are made beside the batches, see `upkeep.ts`. */
  readonly shared: boolean;
  /** What this process was handed. */
  readonly handed: Handed;
  /** Tells in one line what becomes of the state. */
  readonly tell: StatusListener;
  /** Says what it cannot do just now, without trying again; the answer ends that. */
  troubled(what: string): () => void;
  /** Publishes all that the outbox holds. */
  publish(): Promise<void>;
  /** Does it until it is done. @throws GaveUp when the processor was told to stop */
  must<T>(what: string, work: () => T | Promise<T>): Promise<T>;
}

/** A message that is refused, and why. */
export interface Refusal {
  readonly message: SourceMessage;
  readonly rejection: Rejection;
}

/** Makes dead letters of refused messages, but for those whose sender is told instead. */
export async function refuse(work: Work, source: EventSource, refusals: readonly Refusal[]): Promise<void> {
  for (const { message, rejection } of refusals) work.observer.refused?.(message, rejection);
  const letters = refusals
    .filter(({ message }) => message.settle === undefined)
    .map(({ message, rejection }) =>
      deadLetter(deliveredEvent(source, message), source.system, rejection, work.clock()),
    );
  if (letters.length > 0) await work.must('publish dead letters', () => work.deadLetters.publish(letters));
}

/** Why the store did not take it, null when it did. */
export function refusalOf(result: ApplyResult | CommandResult): Rejection | null {
  return result.kind === 'rejected' ? { reason: result.reason, field: '', rule: result.detail } : null;
}
