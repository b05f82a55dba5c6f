/** How agents stand, made of the circuits of their pairs. Pure: no time, no I/O. */
import type { CircuitData } from '../events/schemas.js';
import { type AgentStanding, type AgentState, agentStates } from '../trust/agent-state.js';

/** A pair at its highest transition so far. */
interface SeenPair {
  transition: number;
  state: AgentState;
  trustScore: number;
  enforced: boolean;
}

/**
 * All pairs whose circuit ever moved, and the agents of them: that much memory it needs, and no more. Events may come
 * in any order and again: of a pair the highest transition holds.
 */
export class AgentBook {
  private readonly pairs = new Map<string, SeenPair>();
  private readonly pairsOf = new Map<string, Set<SeenPair>>();
  private readonly released = new Map<string, AgentStanding>();

  get pairCount(): number {
    return this.pairs.size;
  }

  /** Every agent that an event named. */
  get agents(): Iterable<string> {
    return this.pairsOf.keys();
  }

  /** Takes an event. Answers the agents that it concerns: none when it is not news, or of a pair that is left out. */
  take(circuit: CircuitData): readonly string[] {
    const agents = [...new Set([circuit.agent_a, circuit.agent_b])];
    const before = this.pairs.get(circuit.pair_id);
    if (before !== undefined && before.transition >= circuit.transition) return [];
    const now: SeenPair = {
      transition: circuit.transition,
      state: agentStates[circuit.to],
      trustScore: circuit.trust_score,
      enforced: circuit.enforced,
    };
    const counted = before?.enforced === true;
    const last = counted && !now.enforced ? agents.map((agent) => this.standingOf(agent)) : [];
    if (before === undefined) this.add(circuit.pair_id, agents, now);
    else Object.assign(before, now);
    if (now.enforced) for (const agent of agents) this.released.delete(agent);
    for (const [i, standing] of last.entries()) this.release(agents[i], standing);
    return counted || now.enforced ? agents : [];
  }

  /** Null: no pair of the agent counts, so nothing is said of it. */
  standingOf(agent: string): AgentStanding | null {
    let worst: SeenPair | null = null;
    for (const pair of this.pairsOf.get(agent) ?? [])
      if (pair.enforced && (worst === null || isWorse(pair, worst))) worst = pair;
    return worst === null ? null : { state: worst.state, trustScore: worst.trustScore };
  }

  /** How an agent stood before the last of its pairs went into shadow mode; null: it did not, or that was settled. */
  releasedFrom(agent: string): AgentStanding | null {
    return this.released.get(agent) ?? null;
  }

  /** What an agent was before is taken back. */
  settle(agent: string, standing: AgentStanding): void {
    if (this.released.get(agent) === standing) this.released.delete(agent);
  }

  private add(pairId: string, agents: readonly string[], pair: SeenPair): void {
    this.pairs.set(pairId, pair);
    for (const agent of agents) {
      const pairs = this.pairsOf.get(agent);
      if (pairs === undefined) this.pairsOf.set(agent, new Set([pair]));
      else pairs.add(pair);
    }
  }

  private release(agent: string | undefined, last: AgentStanding | null): void {
    if (agent === undefined || last === null || this.standingOf(agent) !== null) return;
    this.released.set(agent, last);
  }
}

function isWorse(one: AgentStanding, other: AgentStanding): boolean {
  return one.state > other.state || (one.state === other.state && one.trustScore < other.trustScore);
}
