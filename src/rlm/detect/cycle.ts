import type { Theme } from '../language/language.js';
import type { LoopVerdict } from '../result.js';
import { type Candidate, themeOf, themeVerdict } from './candidate.js';
import { Marks } from './marks.js';
import type { Parameters } from './parameters.js';
import type { Print } from './print.js';
import { repeats } from './similar.js';

/** Turns one after the other, each of which repeats the turn one period before. */
class PeriodicRun {
  matches = 0;
  nearSum = 0;
  words = 0;
  /** Is one of the turns of a period a call, or what it gave? */
  hasBlock = false;
  marks = new Marks();
  firstTurn = 0;
  readonly speakers = new Set<string>();

  constructor(readonly period: number) {}

  get periods(): number {
    return 1 + Math.floor(this.matches / this.period);
  }

  start(first: readonly Print[]): void {
    this.firstTurn = first[0]?.turn ?? 0;
    for (const print of first) this.#take(print);
  }

  add(print: Print, near: number): void {
    this.matches += 1;
    this.nearSum += near;
    this.#take(print);
  }

  clear(): void {
    this.matches = 0;
    this.nearSum = 0;
    this.words = 0;
    this.hasBlock = false;
    this.marks = new Marks();
    this.speakers.clear();
  }

  #take(print: Print): void {
    this.marks.add(print);
    if (this.marks.count <= this.period) {
      this.words += print.wordCount;
      this.hasBlock ||= print.block !== 0;
      this.speakers.add(print.speaker);
    }
  }
}

/** Cycles of any short length: the same turns by the same speakers in the same order, period after period. */
export class CycleDetector {
  readonly #runs: readonly PeriodicRun[];
  readonly #last: Print[] = [];

  constructor(
    readonly parameters: Parameters,
    readonly found: (candidate: Candidate) => void,
  ) {
    const { longestPeriod } = parameters;
    this.#runs = Array.from({ length: longestPeriod }, (_, i) => new PeriodicRun(longestPeriod - i));
  }

  see(print: Print): void {
    const last = this.#last;
    // The longest first: a run that is a multiple of another is judged while the other still stands.
    for (const run of this.#runs) {
      const before = last[last.length - run.period];
      const near =
        before === undefined || before.speaker !== print.speaker
          ? 0
          : repeats(print, before, this.parameters);
      if (near === 0) this.#close(run, print.turn - 1);
      else {
        if (run.matches === 0) run.start(last.slice(-run.period));
        run.add(print, near);
      }
    }
    last.push(print);
    if (last.length > this.parameters.longestPeriod) last.shift();
  }

  end(): void {
    const lastTurn = this.#last.at(-1)?.turn ?? 0;
    for (const run of this.#runs) this.#close(run, lastTurn);
  }

  #close(run: PeriodicRun, lastTurn: number): void {
    if (run.matches === 0) return;
    const { fewestPeriods, fewestWords } = this.parameters;
    if (run.words > 0 && run.periods * 2 >= fewestPeriods && !this.#multipleOfAnother(run)) {
      const theme = themeOf(run.marks);
      this.found({
        rule: 'cycle',
        verdict: verdictOf(run, theme),
        theme,
        count: run.periods,
        // A few words come back sooner by chance.
        fewest: run.words < fewestWords ? 2 * fewestPeriods : fewestPeriods,
        near: run.nearSum / run.matches,
        turns: run.marks.count,
        firstTurn: run.firstTurn,
        lastTurn,
        marks: run.marks.list(),
        period: run.period,
      });
    }
    run.clear();
  }

  /** A period of 1 is one of 2 and 3 as well. */
  #multipleOfAnother({ period, marks }: PeriodicRun): boolean {
    return this.#runs.some(
      (other) => other.period < period && period % other.period === 0 && other.marks.count * 2 >= marks.count,
    );
  }
}

function verdictOf(run: PeriodicRun, theme: Theme | null): LoopVerdict {
  if (run.period === 1) return theme === null ? 'repetition' : themeVerdict(theme);
  if (theme !== null && theme !== 'delegation' && theme !== 'stalling') return themeVerdict(theme);
  if (run.period === 2 && run.hasBlock && theme === null) return 'repetition';
  if (run.period === 2 && (run.speakers.size === 2 || theme === 'delegation')) return 'ping_pong';
  return theme === 'stalling' ? 'stall' : 'cycle';
}
