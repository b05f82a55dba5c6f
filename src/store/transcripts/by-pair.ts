import type { TurnToKeep } from '../../rlm/ports.js';

/** The turns of one pair in one batch, in the order of the batch. */
export interface PairTurns {
  readonly tenant: string;
  readonly pairId: string;
  readonly turns: TurnToKeep[];
}

/** A batch pair by pair, as every store takes it: the bounds are held after each. */
export function byPair(turns: readonly TurnToKeep[]): readonly PairTurns[] {
  const pairs = new Map<string, PairTurns>();
  for (const turn of turns) {
    const { tenant, pairId } = turn;
    const key = `${tenant}/${pairId}`;
    let pair = pairs.get(key);
    if (pair === undefined) {
      pair = { tenant, pairId, turns: [] };
      pairs.set(key, pair);
    }
    pair.turns.push(turn);
  }
  return [...pairs.values()];
}
