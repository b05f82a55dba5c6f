import { Kept, type Undo } from './journal.js';

/** Which positions were applied: a bit for each above the floor of its source, as the Redis scripts keep them. */
export class AppliedPositions {
  private readonly seen: Kept<string, ReadonlySet<number>>;
  private readonly floors: Kept<string, number>;

  constructor(undo: () => Undo) {
    this.seen = new Kept(undo);
    this.floors = new Kept(undo);
  }

  has(source: string, sequence: number): boolean {
    return sequence <= (this.floors.get(source) ?? -1) || (this.seen.get(source)?.has(sequence) ?? false);
  }

  add(source: string, sequence: number): void {
    this.seen.set(source, new Set([...(this.seen.get(source) ?? []), sequence]));
  }

  raiseFloor(source: string, floor: number): void {
    if (floor <= 0 || floor <= (this.floors.get(source) ?? -1)) return;
    this.floors.set(source, floor);
    const above = [...(this.seen.get(source) ?? [])].filter((sequence) => sequence > floor);
    this.seen.set(source, new Set(above));
  }

  /** How many are told apart one by one. */
  get size(): number {
    return this.seen.entries().reduce((size, [, positions]) => size + positions.size, 0);
  }
}
