import { type Theme, themes } from '../language/language.js';
import { themeBit } from '../language/lexicon.js';
import type { LoopVerdict } from '../result.js';
import type { Mark, Marks } from './marks.js';

/** Which rule found it; of several that found the same, the first names it. */
export const rules = ['cycle', 'theme', 'repetition', 'stall'] as const;
export type Rule = (typeof rules)[number];

/** What may be a loop, if it is long enough for the length of its transcript; from half of the least count on. */
export interface Candidate {
  readonly rule: Rule;
  readonly verdict: LoopVerdict;
  /** What its turns are about; null: nothing in particular. */
  readonly theme: Theme | null;
  /** Repeats, periods or turns, as its rule counts. */
  readonly count: number;
  /** Least count in a short transcript. */
  readonly fewest: number;
  /** Mean similarity of its turns, 0 to 1. */
  readonly near: number;
  /** Turns of it in all; `marks` has the first and the last of them. */
  readonly turns: number;
  readonly firstTurn: number;
  readonly lastTurn: number;
  readonly marks: readonly Mark[];
  /** Turns of a cycle's period. */
  readonly period?: number;
}

const verdictOfTheme: Record<Theme, LoopVerdict> = {
  gratitude: 'gratitude',
  agreement: 'agreement',
  delegation: 'ping_pong',
  error: 'error_retry',
  stalling: 'stall',
};

export function themeVerdict(theme: Theme): LoopVerdict {
  return verdictOfTheme[theme];
}

/**
 * What a loop is about, going by the share of its turns that have a trigger of a theme: half of them; two in five for
 * failures, as between two of them stands what was tried. Null: nothing in particular.
 */
export function themeOf(marks: Marks): Theme | null {
  let best: Theme | null = null;
  let most = 0;
  for (const theme of themes) {
    const share = marks.share(themeBit(theme));
    if (share > most && share >= (theme === 'error' ? 0.4 : 0.5)) {
      best = theme;
      most = share;
    }
  }
  return best;
}
