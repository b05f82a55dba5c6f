/** What the keys of agents read, and what others made of them. Pure. */
import type { AgentKeysFound, AgentKeyTexts } from '../ports.js';
import { type AgentStanding, agentStates, sixDecimals } from '../trust/agent-state.js';

export function keyTexts(agentId: string, { state, trustScore }: AgentStanding): AgentKeyTexts {
  return {
    agentId,
    state: String(state),
    score: sixDecimals(trustScore),
    // Who was stopped for good must not be let go by a projector that is away for a day.
    lapses: state !== agentStates.TERMINATED,
  };
}

/**
 * Those of the found keys that another process wrote: they read neither as we left them nor as they have to. Keys that
 * are gone were not written, and of an agent that we have not written yet nothing can be said.
 *
 * @param left what we last wrote, by agent.
 */
export function writtenByOthers(
  found: readonly AgentKeysFound[],
  left: ReadonlyMap<string, AgentKeyTexts>,
): readonly AgentKeysFound[] {
  return found.filter(({ agentId, state, score }) => {
    const ours = left.get(agentId);
    if (ours === undefined) return false;
    return (state !== null && state !== ours.state) || (score !== null && score !== ours.score);
  });
}
