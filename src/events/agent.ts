import type { AgentEvent } from '../ports.js';
import { agentStateNames, sixDecimals } from '../trust/agent-state.js';

/** What the ecosystem's listeners read of an agent: plain JSON, no CloudEvent. */
export function agentEventBody(event: AgentEvent): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      agent_id: event.agentId,
      circuit_state: event.state,
      circuit_state_name: agentStateNames[event.state],
      trust_score: Number(sixDecimals(event.trustScore)),
      pair_id: event.pairId,
      timestamp: event.timestamp,
    }),
  );
}
