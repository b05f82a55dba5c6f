import { seededRandom } from '../../src/demo/random.js';

/** Everything that is left to chance in a run comes from here. */
export class Random {
  private readonly draw: () => number;

  constructor(seed: number) {
    this.draw = seededRandom(seed);
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 8; i++) this.draw();
  }

  /** In [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.draw();
  }

  /** A whole number from low to high, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor((high - low + 1) * this.draw());
  }

  chance(probability: number): boolean {
    return probability > 0 && this.draw() < probability;
  }

  pick<T>(list: readonly [T, ...T[]]): T;
  pick<T>(list: readonly T[]): T | undefined;
  pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(list.length * this.draw())];
  }

  /** Mostly short, now and then long. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.draw());
  }

  shuffle<T>(list: T[]): T[] {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.whole(0, i);
      [list[i], list[j]] = [list[j] as T, list[i] as T];
    }
    return list;
  }
}
