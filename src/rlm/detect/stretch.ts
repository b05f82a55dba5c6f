import { type Theme, themes } from '../language/language.js';
import { themeBit } from '../language/lexicon.js';
import { type Candidate, themeVerdict } from './candidate.js';
import { Marks } from './marks.js';
import type { Parameters } from './parameters.js';
import type { Print } from './print.js';
import type { Standing } from './repetition.js';

/** Does a turn bring nothing new? */
function bringsNothing(print: Print, standing: Standing, { fewestWords, recycled }: Parameters): boolean {
  if (standing === 'other matter') return false;
  if (standing === 'repeats' || print.themed !== 0) return true;
  if (print.newItems > 0 || print.newWords > 0 || print.wordCount === 0) return false;
  return print.wordCount < fewestWords || print.knownPairs >= recycled;
}

/**
 * A cumulative sum, as for a change in a stream: a turn that counts adds one, a turn that brings something new takes
 * `newTurnCosts`, below zero it starts anew. What stands at its highest is the stretch.
 */
class Stretch {
  #sum = 0;
  #highest = 0;
  #marks = new Marks();
  #atHighest = { turn: 0, marks: 0 };
  #firstTurn = 0;

  constructor(
    readonly theme: Theme | null,
    readonly fewest: number,
    readonly newTurnCosts: number,
    readonly found: (candidate: Candidate) => void,
  ) {}

  counts(print: Print): void {
    if (this.#sum === 0) this.#restart(print.turn);
    this.#sum += 1;
    this.#marks.add(print);
    if (this.#sum <= this.#highest) return;
    this.#highest = this.#sum;
    this.#atHighest = { turn: print.turn, marks: this.#marks.count };
  }

  bringsNew(): void {
    if (this.#sum === 0) return;
    this.#sum = Math.max(0, this.#sum - this.newTurnCosts);
    if (this.#sum === 0) this.end();
  }

  end(): void {
    if (this.#highest * 2 >= this.fewest)
      this.found({
        rule: this.theme === null ? 'stall' : 'theme',
        verdict: this.theme === null ? 'stall' : themeVerdict(this.theme),
        theme: this.theme,
        count: this.#highest,
        fewest: this.fewest,
        near: 1,
        turns: this.#atHighest.marks,
        firstTurn: this.#firstTurn,
        lastTurn: this.#atHighest.turn,
        marks: this.#marks.list(this.#atHighest.turn),
      });
    this.#sum = 0;
    this.#highest = 0;
  }

  #restart(turn: number): void {
    this.#marks = new Marks();
    this.#firstTurn = turn;
  }
}

/** Talk that brings nothing new: thanks, agreement, handing on, failures, putting off; or, whatever it is about, a stall. */
export class StretchDetector {
  readonly #themed: ReadonlyMap<Theme, Stretch>;
  readonly #any: Stretch;

  constructor(
    readonly parameters: Parameters,
    found: (candidate: Candidate) => void,
  ) {
    const { fewestThemed, fewestStalled, newTurnCosts } = parameters;
    this.#themed = new Map(
      themes.map((theme) => [theme, new Stretch(theme, fewestThemed, newTurnCosts, found)]),
    );
    this.#any = new Stretch(null, fewestStalled, newTurnCosts, found);
  }

  see(print: Print, standing: Standing): void {
    const nothing = bringsNothing(print, standing, this.parameters);
    // Thanks with one new word among them neither add to a stretch nor end it.
    const little = standing === 'other matter' ? 0 : print.nearlyThemed;
    const isProdding = print.asksBriefly && standing !== 'other matter';
    if (nothing) this.#any.counts(print);
    else if (little === 0) this.#any.bringsNew();
    for (const [theme, stretch] of this.#themed) {
      const bit = themeBit(theme);
      if (nothing && (print.themed & bit) !== 0) stretch.counts(print);
      else if (!nothing && (little & bit) === 0 && !(theme === 'stalling' && isProdding)) stretch.bringsNew();
    }
  }

  end(): void {
    this.#any.end();
    for (const stretch of this.#themed.values()) stretch.end();
  }
}
