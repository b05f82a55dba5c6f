import type { Print } from './print.js';

/** What is kept of a turn that a finding rests on. */
export type Mark = Pick<Print, 'turn' | 'partition' | 'eventId' | 'excerpt' | 'speaker'>;

/** Characters of a turn that are kept to show what was said. */
export const excerptLength = 200;
const mostFirst = 48;
const mostLast = 16;

/** The turns of a loop: all are counted, and the first and the last ones kept. */
export class Marks {
  readonly #first: Mark[] = [];
  readonly #last: Mark[] = [];
  #count = 0;
  #signs: number[] = [];

  get count(): number {
    return this.#count;
  }

  add(print: Print): void {
    this.#count += 1;
    for (let bit = 0; 1 << bit <= print.signs; bit++)
      if ((print.signs & (1 << bit)) !== 0) this.#signs[bit] = (this.#signs[bit] ?? 0) + 1;
    const { turn, partition, eventId, excerpt, speaker } = print;
    const mark = { turn, partition, eventId, excerpt, speaker };
    if (this.#first.length < mostFirst) this.#first.push(mark);
    else {
      this.#last.push(mark);
      if (this.#last.length > mostLast) this.#last.shift();
    }
  }

  /** Share of the turns that have a sign. */
  share(bit: number): number {
    return this.#count === 0 ? 0 : (this.#signs[Math.log2(bit)] ?? 0) / this.#count;
  }

  /** Those up to a turn, in order. */
  list(lastTurn = Number.POSITIVE_INFINITY): Mark[] {
    return [...this.#first, ...this.#last]
      .filter(({ turn }) => turn <= lastTurn)
      .sort((a, b) => a.turn - b.turn);
  }
}
