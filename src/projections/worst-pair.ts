/** The worst of an agent's pairs, known without a look at each: an agent may have a hundred thousand of them. Pure. */
import TinyQueue from 'tinyqueue';
import type { AgentStanding } from '../trust/agent-state.js';

/** A pair as an event left it. */
export interface RankedPair extends AgentStanding {
  /** A later event of the pair holds. */
  outdated: boolean;
}

const leastRoom = 4;

/**
 * Pairs in order, the worst first. Those that are outdated stay where they are until they are the worst, or until they
 * may be the larger part of all. A change costs the logarithm of the number of pairs, as do the questions that follow it.
 */
export class WorstPair {
  private queue: TinyQueue<RankedPair>;
  private room = leastRoom;

  constructor(first: RankedPair) {
    this.queue = new TinyQueue([first], byBadness);
  }

  /** How many it holds, outdated ones among them. */
  get size(): number {
    return this.queue.length;
  }

  add(pair: RankedPair): void {
    if (this.queue.length >= this.room) this.leaveOutdatedBehind();
    this.queue.push(pair);
  }

  /** Null: there is none, or all are outdated. */
  find(): RankedPair | null {
    let worst = this.queue.peek();
    while (worst?.outdated === true) {
      this.queue.pop();
      worst = this.queue.peek();
    }
    return worst ?? null;
  }

  private leaveOutdatedBehind(): void {
    const current = this.queue.data.filter((pair) => !pair.outdated);
    this.queue = new TinyQueue(current, byBadness);
    this.room = Math.max(leastRoom, 2 * current.length);
  }
}

function byBadness(one: AgentStanding, other: AgentStanding): number {
  return other.state - one.state || one.trustScore - other.trustScore;
}
