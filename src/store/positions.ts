/**
 * The positions of one source that were applied, as sorted disjoint intervals. A source that is read in
 * order is one interval; what is redelivered out of order makes holes, which close when it is applied.
 */
export class Positions {
  /** [first, last, first, last, ...], both ends included. */
  private bounds: number[];

  constructor(bounds: readonly number[] = []) {
    this.bounds = [...bounds];
  }

  has(sequence: number): boolean {
    const i = this.intervalAt(sequence);
    return i >= 0 && sequence <= this.end(i);
  }

  add(sequence: number): void {
    const { bounds } = this;
    const i = this.intervalAt(sequence);
    if (i >= 0 && sequence <= this.end(i)) return;
    const joinsLeft = i >= 0 && this.end(i) === sequence - 1;
    const joinsRight = 2 * i + 2 < bounds.length && bounds[2 * i + 2] === sequence + 1;
    if (joinsLeft && joinsRight) bounds.splice(2 * i + 1, 2);
    else if (joinsLeft) bounds[2 * i + 1] = sequence;
    else if (joinsRight) bounds[2 * i + 2] = sequence;
    else bounds.splice(2 * i + 2, 0, sequence, sequence);
  }

  /** Counts every position up to `floor` as applied. */
  raiseFloor(floor: number): void {
    const first = this.bounds[0];
    if (first === undefined || first > floor + 1) {
      this.bounds.unshift(Math.min(floor, 0), floor);
      return;
    }
    let i = 0;
    while (2 * i + 2 < this.bounds.length && (this.bounds[2 * i + 2] as number) <= floor + 1) i++;
    const end = Math.max(this.end(i), floor);
    this.bounds.splice(0, 2 * i + 2, Math.min(first, floor, 0), end);
  }

  /** The highest position that was applied, 0 if none was. */
  get highest(): number {
    return this.bounds.at(-1) ?? 0;
  }

  toBounds(): readonly number[] {
    return this.bounds;
  }

  clone(): Positions {
    return new Positions(this.bounds);
  }

  private end(interval: number): number {
    return this.bounds[2 * interval + 1] as number;
  }

  /** Index of the last interval that starts at or before `sequence`, -1 if none does. */
  private intervalAt(sequence: number): number {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length / 2 - 1;
    if (high >= 0 && (bounds[2 * high] as number) <= sequence) return high;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if ((bounds[2 * middle] as number) <= sequence) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }
}
