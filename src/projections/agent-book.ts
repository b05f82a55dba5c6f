/** How agents stand, made of the circuits of their pairs. Pure: no time, no I/O. */
import type { CircuitData } from '../events/schemas.js';
import { type AgentStanding, agentStates } from '../trust/agent-state.js';
import { type RankedPair, WorstPair } from './worst-pair.js';

/** A pair at its highest transition so far. */
interface SeenPair extends RankedPair {
  readonly transition: number;
  readonly enforced: boolean;
}

/**
 * All pairs whose circuit ever moved, and the agents of them: memory grows with these alone, not with events. Events may
 * come in any order and again: of a pair the highest transition holds.
 */
export class AgentBook {
  private readonly pairs = new Map<string, SeenPair>();
  /** Of those pairs alone that count. */
  private readonly worstOf = new Map<string, WorstPair>();
  private readonly released = new Map<string, AgentStanding>();

  get pairCount(): number {
    return this.pairs.size;
  }

  get agentCount(): number {
    return this.worstOf.size;
  }

  /** Every agent of whom a pair counts, or once did. */
  get agents(): Iterable<string> {
    return this.worstOf.keys();
  }

  /** Takes an event. Answers the agents that it concerns: none when it is not news, or of a pair that is left out. */
  take(circuit: CircuitData): readonly string[] {
    const before = this.pairs.get(circuit.pair_id);
    if (before !== undefined && before.transition >= circuit.transition) return [];
    const agents = agentsOf(circuit);
    const now = seenPair(circuit);
    const counted = before?.enforced === true;
    const last = counted && !now.enforced ? agents.map((agent) => this.standingOf(agent)) : [];
    if (before !== undefined) before.outdated = true;
    this.pairs.set(circuit.pair_id, now);
    if (now.enforced) for (const agent of agents) this.count(agent, now);
    for (const [i, standing] of last.entries()) this.release(agents[i], standing);
    return counted || now.enforced ? agents : [];
  }

  /** Null: no pair of the agent counts, so nothing is said of it. */
  standingOf(agent: string): AgentStanding | null {
    const worst = this.worstOf.get(agent)?.find() ?? null;
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

  private count(agent: string, pair: SeenPair): void {
    this.released.delete(agent);
    const worst = this.worstOf.get(agent);
    if (worst === undefined) this.worstOf.set(agent, new WorstPair(pair));
    else worst.add(pair);
  }

  private release(agent: string | undefined, last: AgentStanding | null): void {
    if (agent === undefined || last === null || this.standingOf(agent) !== null) return;
    this.released.set(agent, last);
  }
}

function agentsOf({ agent_a, agent_b }: CircuitData): readonly string[] {
  return agent_a === agent_b ? [agent_a] : [agent_a, agent_b];
}

function seenPair({ transition, to, trust_score, enforced }: CircuitData): SeenPair {
  return { transition, state: agentStates[to], trustScore: trust_score, enforced, outdated: false };
}
