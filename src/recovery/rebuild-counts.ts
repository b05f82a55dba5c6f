import type { ApplyResult } from '../ports.js';

/** What a rebuild applied, and what it did not and why. */
export interface RebuildCounts {
  interactions: number;
  commands: number;
  /** Resets that took effect when their circuit event says that they did. */
  pinnedResets: number;
  /** Were applied by an earlier rebuild that did not end, or by this one before the store lost its last writes. */
  repeats: number;
  duplicates: number;
  superseded: number;
  /** They became dead letters when a processor read them, or will when one does. */
  refused: number;
}

export function noCounts(): RebuildCounts {
  return {
    interactions: 0,
    commands: 0,
    pinnedResets: 0,
    repeats: 0,
    duplicates: 0,
    superseded: 0,
    refused: 0,
  };
}

/** Counts an interaction by what the store made of it; what it refused is counted where it is refused. */
export function countResult(counts: RebuildCounts, { kind }: ApplyResult): void {
  if (kind === 'applied') counts.interactions++;
  else if (kind === 'repeat') counts.repeats++;
  else if (kind === 'duplicate') counts.duplicates++;
  else if (kind === 'superseded') counts.superseded++;
}
