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
  readonly #hashes: Uint32Array;
  readonly #turns: Int32Array;

  /** @param bits the table has 2 ** bits places */
  constructor(
    /** How many turns are remembered. */
    readonly turns: number,
    bits: number,
  ) {
    this.#mask = 2 ** bits - 1;
    this.#hashes = new Uint32Array(2 ** bits);
    this.#turns = new Int32Array(2 ** bits).fill(-1);
  }

  /** Takes note of it, and says when it was said before. */
  note(hash: number, turn: number): typeof inThisTurn | typeof known | typeof fresh {
    const place = hash & this.#mask;
    const last = this.#hashes[place] === hash ? (this.#turns[place] as number) : -1;
    this.#hashes[place] = hash;
    this.#turns[place] = turn;
    if (last < 0 || turn - last > this.turns) return fresh;
    return last === turn ? inThisTurn : known;
  }
}
