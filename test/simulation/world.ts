import TinyQueue from 'tinyqueue';
import { Random } from './random.js';

/** When every story begins, seconds since the epoch. */
export const beginning = 1_700_000_000;

interface Pending {
  readonly atMs: number;
  /** Decides between what comes at the same time. */
  readonly turn: number;
  readonly run: () => void;
}

/**
 * Time and chance of one run. All that happens waits in one queue; the earliest comes next, and how long each takes is
 * drawn from the seed, so that the seed decides in which order everything happens.
 */
export class World {
  readonly random: Random;
  /** Since the beginning. */
  nowMs = 0;
  steps = 0;
  private readonly queue = new TinyQueue<Pending>([], (a, b) => a.atMs - b.atMs || a.turn - b.turn);

  /** @param tell hears what happens, one line each; null: nobody wants to know */
  constructor(
    seed: number,
    private readonly tell: ((line: string) => void) | null = null,
  ) {
    this.random = new Random(seed);
  }

  /** Seconds since the epoch. */
  get seconds(): number {
    return beginning + this.nowMs / 1_000;
  }

  after(delayMs: number, run: () => void): void {
    this.queue.push({ atMs: this.nowMs + delayMs, turn: this.random.between(0, 1), run });
  }

  note(who: string, what: () => string): void {
    this.tell?.(`${this.nowMs.toFixed(3).padStart(10)} ${who.padEnd(8)} ${what()}`);
  }

  /** Lets one thing after the other happen until it is `done`: false when that takes longer than `limitMs`. */
  async run(done: () => boolean, limitMs: number): Promise<boolean> {
    const endMs = this.nowMs + limitMs;
    while (!done()) {
      const next = this.queue.peek();
      if (next === undefined || next.atMs > endMs) return false;
      this.queue.pop();
      this.nowMs = next.atMs;
      this.steps++;
      next.run();
      await settled();
    }
    return true;
  }
}

/**
 * Resolves when all that follows from what is known has been done: the ticks come after every promise that can go on.
 * Nothing from outside gets a turn meanwhile. To be called in the turn of a promise: elsewhere a tick comes first.
 */
function settled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
