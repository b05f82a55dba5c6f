/** How long ago something was said last: in this very turn, in one of the last turns, or not of late. */
export const inThisTurn = 0;
export const known = 1;
export const fresh = 2;

/**
 * Which words, or pairs of words, were in the last turns: a table of the turn in which each was last seen, of a
 * fixed size. What shares its place with another can be forgotten early, and is never remembered wrongly.
 */
export class Recent {
  readonly #mask: number;
  /** The hash of each place and, beside it, the turn. */
  readonly #places: Int32Array;

  /** @param bits the table has 2 ** bits places */
  constructor(
    /** How many turns are remembered. */
    readonly turns: number,
    bits: number,
  ) {
    this.#mask = 2 ** bits - 1;
    this.#places = new Int32Array(2 ** (bits + 1)).fill(-1);
  }

  /** Takes note of it, and says when it was said before. */
  note(hash: number, turn: number): typeof inThisTurn | typeof known | typeof fresh {
    const places = this.#places;
    const place = (hash & this.#mask) << 1;
    const last = places[place] === (hash | 0) ? (places[place + 1] as number) : -1;
    places[place] = hash;
    places[place + 1] = turn;
    if (last < 0 || turn - last > this.turns) return fresh;
    return last === turn ? inThisTurn : known;
  }
}
