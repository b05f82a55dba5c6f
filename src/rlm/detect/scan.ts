import { english } from '../language/english.js';
import { type Lexicon, lexiconOf } from '../language/lexicon.js';
import type { Turn } from '../transcript.js';
import type { Candidate } from './candidate.js';
import { CycleDetector } from './cycle.js';
import { defaultParameters, moreForLength, type Parameters } from './parameters.js';
import { Printer } from './print.js';
import { RepetitionDetector } from './repetition.js';
import { StretchDetector } from './stretch.js';
import { turnsToConclude, Waits } from './waits.js';

const englishLexicon = lexiconOf(english);

/** Candidates kept; of more, those of the most turns. */
const mostCandidates = 64;

/** Everything that one pass over a transcript found. */
export interface Scan {
  readonly turns: number;
  readonly words: number;
  /** What the least counts were raised by for the length of the transcript. */
  readonly more: number;
  /** Loops, the strongest first. */
  readonly loops: readonly Candidate[];
  /** The highest share of its least count that anything reached which is no loop, 0 to 1. */
  readonly nearest: number;
}

/** One pass over the turns of a transcript, in bounded memory: every turn goes through every detector. */
export class Scanner {
  readonly #printer: Printer;
  readonly #waits: Waits;
  readonly #repetition: RepetitionDetector;
  readonly #cycle: CycleDetector;
  readonly #stretch: StretchDetector;
  #pending: Candidate[] = [];
  #candidates: Candidate[] = [];
  #nearest = 0;
  #turns = 0;
  #words = 0;

  constructor(
    readonly parameters: Parameters = defaultParameters,
    lexicon: Lexicon = englishLexicon,
  ) {
    const found = (one: Candidate): void => {
      this.#pending.push(one);
    };
    this.#printer = new Printer(lexicon, parameters);
    this.#waits = new Waits(parameters);
    this.#repetition = new RepetitionDetector(parameters, found);
    this.#cycle = new CycleDetector(parameters, found);
    this.#stretch = new StretchDetector(parameters, found);
  }

  /** @param partition in which the turn begins */
  see(turn: Turn, partition: number): void {
    const print = this.#printer.print(turn, this.#turns, partition);
    this.#turns += 1;
    this.#words += print.wordCount + print.measures;
    this.#waits.see(print);
    const standing = this.#repetition.see(print);
    this.#cycle.see(print);
    this.#stretch.see(print, standing);
    if (this.#pending.length > 0) this.#settle(print.turn);
  }

  end(): Scan {
    this.#repetition.end();
    this.#cycle.end();
    this.#stretch.end();
    this.#settle(Number.POSITIVE_INFINITY);
    const more = moreForLength(this.#turns, this.parameters);
    const shares = this.#candidates.map((one) => one.count / (one.fewest + moreFor(one, more)));
    const loops = this.#candidates.filter((_, i) => (shares[i] as number) >= 1);
    return {
      turns: this.#turns,
      words: this.#words,
      more,
      loops: loops.sort((a, b) => strength(b) - strength(a)),
      nearest: Math.max(this.#nearest, ...shares.filter((share) => share < 1)),
    };
  }

  /** A candidate is judged when what it may have waited for has had time to come. */
  #settle(now: number): void {
    const waiting = this.#pending.filter(({ lastTurn }) => now < lastTurn + turnsToConclude);
    const due = this.#pending.filter(({ lastTurn }) => now >= lastTurn + turnsToConclude);
    this.#pending = waiting;
    for (const one of due) this.#keep(one, Math.min(now, this.#turns - 1));
    if (this.#candidates.length <= 2 * mostCandidates) return;
    this.#candidates.sort((a, b) => strength(b) - strength(a));
    this.#candidates.length = mostCandidates;
  }

  #keep(one: Candidate, now: number): void {
    if (one.count < one.fewest) this.#nearest = Math.max(this.#nearest, one.count / one.fewest);
    else if (!this.#waits.excuse(one, now)) this.#candidates.push(one);
  }
}

/** That three turns or more come round in one order three times is no chance, however often it has a try. */
function moreFor({ period = 1 }: Candidate, more: number): number {
  return period > 2 ? 0 : more;
}

/** How much of the transcript the loop is, surely. */
export function strength({ turns, near, count, fewest }: Candidate): number {
  return turns * near * Math.min(2, count / fewest);
}
