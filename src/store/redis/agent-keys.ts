/** The keys by which other systems know agents: `agent:{id}:circuit_state` and `agent:{id}:trust_score`. */
import type { AgentKeys, AgentKeysFound, AgentKeyTexts } from '../../ports.js';
import { type RedisClient, unavailable } from './connection.js';
import { runScript } from './scripts.js';

/** How long keys live that are not refreshed, in seconds. */
export const agentKeySeconds = 86_400;

/** Agents of one call of the script. */
const agentsAtATime = 500;

/** Who may write: the holder of a lease that lies on the same server; null where it lies on another. */
export interface Guard {
  readonly key: string;
  readonly owner: string;
}

export class RedisAgentKeys implements AgentKeys {
  constructor(
    private readonly client: RedisClient,
    private readonly url: string,
    private readonly guard: Guard | null,
  ) {}

  async show(agents: readonly AgentKeyTexts[]): Promise<readonly AgentKeysFound[] | null> {
    const found: AgentKeysFound[] = [];
    for (let from = 0; from < agents.length; from += agentsAtATime) {
      const some = await this.call('show', agents.slice(from, from + agentsAtATime));
      if (some === null) return null;
      found.push(...some);
    }
    return found;
  }

  async withdraw(agents: readonly AgentKeyTexts[]): Promise<boolean> {
    for (let from = 0; from < agents.length; from += agentsAtATime)
      if ((await this.call('withdraw', agents.slice(from, from + agentsAtATime))) === null) return false;
    return true;
  }

  private async call(
    action: 'show' | 'withdraw',
    agents: readonly AgentKeyTexts[],
  ): Promise<AgentKeysFound[] | null> {
    const keys = agents.flatMap(({ agentId }) => agentKeys(agentId));
    const texts = agents.flatMap(({ state, score, lapses }) => [state, score, lapses ? 1 : 0]);
    // Without a guard the script looks at no lease, and has to be given some key in its place.
    const lease = this.guard?.key ?? keys[0] ?? '';
    const args = [this.guard?.owner ?? '', action, agentKeySeconds, ...texts];
    try {
      const answer = await runScript(this.client, 'agents', [lease, ...keys], args);
      return answer === 0 ? null : (answer as FoundRow[]).map((row) => foundOf(agents, row));
    } catch (error) {
      throw unavailable(this.url, error);
    }
  }
}

/** Circuit state and trust score. Ids stand in them as they are. */
export function agentKeys(agentId: string): [state: string, score: string] {
  return [`agent:${agentId}:circuit_state`, `agent:${agentId}:trust_score`];
}

type FoundRow = readonly [index: number, state: Buffer | null, score: Buffer | null];

function foundOf(agents: readonly AgentKeyTexts[], [index, state, score]: FoundRow): AgentKeysFound {
  return {
    agentId: agents[index]?.agentId ?? '',
    state: state?.toString('utf8') ?? null,
    score: score?.toString('utf8') ?? null,
  };
}
