import type { SourceStanding } from '../../../src/ports.js';
import type { SimProcess } from '../process.js';
import type { Log, Logged } from './log.js';
import type { Reading } from './reader.js';

/** What the broker knows of the readers of one channel together. */
export interface Consumer {
  readonly logs: readonly Log[];
  standing(): readonly SourceStanding[];
  /** Lets one more process read with the others. */
  join(process: SimProcess): Reading;
}

/** Hears of each message that is acknowledged for the first time. */
export type OnAcknowledged = (log: Log, message: Logged) => void;

export interface ConsumerSettings {
  /** After so long without a word from its reader a message, or all of a reader's partitions, go to another. */
  readonly ackWaitMs: number;
  /** How likely one who is at work on a message says so in time. */
  readonly stillAtWork: number;
  /** How likely a batch comes in any order. */
  readonly outOfOrder: number;
}
