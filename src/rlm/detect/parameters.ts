/**
 * Every number that the rules have, and why it is what it is. docs/rlm.md shows what happens when they are moved:
 * each lies on a plateau, not on a peak.
 */

/** Turns back in which something counts as said already: some two rounds of three agents in each of 8 steps. */
export const recentTurns = 48;

/** Turns of the same speaker to which a turn is compared. */
export const ownTurns = 12;

/** Jaccard index of pairs of words from which two turns are near the same: half of a sentence of ten words moved. */
export const nearSame = 0.4;

/** Words of a turn from which it can be compared at all: `Yes, go ahead` twice is no repetition. */
export const fewestWords = 5;

/** Share of content words which a near repeat may have new: a paraphrase has some, a step forward has more. */
export const newShare = 0.2;

/** Similar turns that make a repetition in a transcript of up to `shortTranscript` turns: twice happens to anyone. */
export const fewestRepeats = 3;

/** Periods of a cycle, all the same. */
export const fewestPeriods = 3;
export const longestPeriod = 8;

/** Turns in a row that bring nothing new and are about one theme. */
export const fewestThemed = 4;

/** Turns in a row that bring nothing new, whatever they are about. */
export const fewestStalled = 8;

/**
 * What one turn that brings something new takes from a run of turns that bring nothing: one in five is tolerated,
 * and work on one item after the other, of which each takes a few turns, never adds up.
 */
export const newTurnCosts = 4;

/** Turns up to which the fewest counts hold as they are. */
export const shortTranscript = 100;

/**
 * Chance gets its try at every turn, so that a longer transcript needs more: one more for each factor of 100,
 * begun at the first turn past `shortTranscript`.
 */
export function moreForLength(turns: number): number {
  return turns <= shortTranscript ? 0 : Math.ceil(Math.log10(turns / shortTranscript) / 2);
}

/** Exchanges of a poll that goes nowhere and does not end, before it is a stall and no wait. */
export const mostIdlePolls = 20;

/** Turns after a wait in which what was waited for may come. */
export const turnsToConclude = 4;
