/**
 * Every number that the rules have. docs/rlm.md says what happens when one is moved; `npm run bench:rlm -- --only sweep`
 * shows it. Each but `fewestRepeats` lies where its neighbours give about the same.
 */
export interface Parameters {
  /** Turns back in which something counts as said already, by whomever. */
  readonly recentTurns: number;
  /** Turns of the same speaker to which a turn is compared. */
  readonly ownTurns: number;
  /** Jaccard index of the pairs of words from which two turns are near the same. */
  readonly nearPairs: number;
  /** The same of their content words: said in other words, in another order. */
  readonly nearContent: number;
  /** Words of a turn from which it can be compared to one that is not the same. */
  readonly fewestWords: number;
  /** Share of its content words which a repeat may have new. */
  readonly newShare: number;
  /** Share of a turn's content that can be beside its theme: names, and what the thanks are for. */
  readonly besideTheme: number;
  /** The same of thanks and agreement of up to `shortTurn` content words that name no new item. */
  readonly besideShort: number;
  readonly shortTurn: number;
  /** New words of a question that is too slight to end a stall, if it names no new item. */
  readonly slightWords: number;
  /** Share of a turn's pairs of words that were said of late, from which it is made of what was said. */
  readonly recycled: number;
  /** Turns of one speaker, within `ownTurns`, that say the same. */
  readonly fewestRepeats: number;
  /** Periods of a cycle, one right after the other. */
  readonly fewestPeriods: number;
  readonly longestPeriod: number;
  /** Turns about one theme that bring nothing new. */
  readonly fewestThemed: number;
  /** Turns that bring nothing new, whatever they are about. */
  readonly fewestStalled: number;
  /** What a turn that brings something new takes from a run of turns that bring nothing. */
  readonly newTurnCosts: number;
  /** Turns of a transcript up to which the fewest counts hold as they are. */
  readonly shortTranscript: number;
  /** Turns of a wait that goes nowhere and does not end, before it is a stall and no wait. */
  readonly mostIdleWaits: number;
}

/** The numbers of the rules, each with its reason. */
export const defaultParameters: Parameters = {
  // Two agents and a tool need three turns a step: the last 16 steps, or 12 turns of each with room to spare.
  recentTurns: 48,
  // A repeat that comes later than that is a recap or another part of the work.
  ownTurns: 12,
  // Of a sentence of ten words with one changed in its middle, 7 of 11 pairs stay (0.64); with two, 5 of 13 (0.38).
  nearPairs: 0.4,
  // Three of four content words kept by both: 3 / 5.
  nearContent: 0.6,
  // "Yes, go ahead." twice repeats nothing.
  fewestWords: 5,
  // A paraphrase has a word or two of its own, a step forward has more.
  newShare: 0.2,
  besideTheme: 0.3,
  // Thanks, praise and agreement are put in other words each time; what gets on says more than it thanks, or names something.
  besideShort: 0.5,
  shortTurn: 12,
  // "And the choice?", "Anything to show?"
  slightWords: 2,
  recycled: 0.9,
  // Twice happens to anyone, three times is the least of a habit.
  fewestRepeats: 3,
  fewestPeriods: 3,
  // Four agents that speak twice each.
  longestPeriod: 8,
  // Thanks, welcome, goodbye, goodbye is how people part: one more is one too many.
  fewestThemed: 5,
  fewestStalled: 8,
  // One new turn in five is let pass; work on one item after the other, a few turns each, never adds up.
  newTurnCosts: 4,
  shortTranscript: 100,
  // A wait that takes longer without a word of progress is worth a look.
  mostIdleWaits: 40,
};

/**
 * What a least count is raised by in a transcript of so many turns: chance gets its try at every turn, so that a
 * longer one needs more; one more for each factor of 100, from the first turn past `shortTranscript`.
 */
export function moreForLength(turns: number, { shortTranscript }: Parameters): number {
  return turns <= shortTranscript ? 0 : Math.ceil(Math.log10(turns / shortTranscript) / 2);
}
