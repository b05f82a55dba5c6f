/** The circuit of each pair as it was published last. Pure: memory grows with pairs whose circuit ever moved. */
import type { CircuitEvent } from '../events/schemas.js';
import type { Published } from '../trust/announce.js';
import type { PairNames } from '../trust/state.js';

/** A pair, and what was published last of it. */
export interface PublishedPair extends PairNames {
  readonly tenant: string;
  readonly published: Published;
}

export class PublishedCircuits {
  private readonly pairs = new Map<string, PublishedPair>();

  get size(): number {
    return this.pairs.size;
  }

  /** Events may come in any order and again: of a pair the highest transition holds. */
  take({ data }: CircuitEvent): void {
    const { tenant, pair_id: pairId, transition, to } = data;
    const key = `${tenant}/${pairId}`;
    if ((this.pairs.get(key)?.published.transition ?? -1) >= transition) return;
    const names = { pairId, agentA: data.agent_a, agentB: data.agent_b };
    this.pairs.set(key, { tenant, ...names, published: { transition, to } });
  }

  has(tenant: string, pairId: string): boolean {
    return this.pairs.has(`${tenant}/${pairId}`);
  }

  all(): Iterable<PublishedPair> {
    return this.pairs.values();
  }
}
