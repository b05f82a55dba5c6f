import type { Turn } from '../../src/rlm/transcript.js';
import { episode } from './background.js';
import type { LoopKind } from './loops.js';
import { negatives } from './negatives.js';
import { Random } from './random.js';
import { World } from './slots.js';

/** Share of the stretches of a background that are hard negatives. */
const negativeShare = 0.06;

/** A loop-free session of about `tokens` tokens; the same for the same seed. */
export function* background(seed: number, tokens: number): Generator<Turn> {
  const world = new World(new Random(seed));
  const kinds = Object.values(negatives);
  let made = 0;
  while (made < tokens) {
    const stretch = world.random.chance(negativeShare) ? world.random.pick(kinds)(world) : episode(world);
    for (const turn of stretch) {
      made += countWords(turn.text);
      yield turn;
      if (made >= tokens) return;
    }
  }
}

/** The turns of a loop of 10 to 30 rounds; the same for the same seed. */
export function loop(seed: number, kind: LoopKind, rounds = new Random(seed).whole(10, 30)): Turn[] {
  return [...kind.make(new World(new Random(seed ^ 0x5bd1e995)), rounds)];
}

/** A session with a loop in it, and where. */
export interface Planted {
  readonly turns: Turn[];
  readonly firstTurn: number;
  readonly lastTurn: number;
}

/** @param position 0 to 1: how much of the background comes before the loop, in turns */
export function plant(around: readonly Turn[], planted: readonly Turn[], position: number): Planted {
  const at = Math.round(around.length * position);
  return {
    turns: [...around.slice(0, at), ...planted, ...around.slice(at)],
    firstTurn: at,
    lastTurn: at + planted.length - 1,
  };
}

/** Runs of characters between white space, as the default token counter has them. */
export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}
