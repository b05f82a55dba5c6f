/** What one writes first: a hash a pair, one script call an event; no dedupe, outbox, due times or expiry. */
import type { TrustOutcome } from 'fulcrum-trust';
import { Redis } from 'ioredis';

const script = `
local kept = redis.call('HMGET', KEYS[1], 'alpha', 'beta', 'at', 'count')
local alpha, beta = tonumber(kept[1]) or 1, tonumber(kept[2]) or 1
local at, count = tonumber(kept[3]) or 0, tonumber(kept[4]) or 0
local now = tonumber(ARGV[1])
if count > 0 and now > at then
  local faded = 0.5 ^ ((now - at) / 86400)
  alpha, beta = 1 + (alpha - 1) * faded, 1 + (beta - 1) * faded
end
if ARGV[2] == 'success' then alpha = alpha + 1
elseif ARGV[2] == 'failure' then beta = beta + 1
else alpha, beta = alpha + 0.5, beta + 0.5 end
local open = alpha / (alpha + beta) < 0.3 and 1 or 0
redis.call('HSET', KEYS[1], 'alpha', string.format('%.17g', alpha), 'beta', string.format('%.17g', beta),
  'at', ARGV[1], 'count', count + 1, 'open', open)
return open`;

export interface NaiveEvent {
  readonly agentA: string;
  readonly agentB: string;
  readonly outcome: TrustOutcome;
  /** Seconds since the epoch. */
  readonly time: number;
}

export class NaiveStore {
  private constructor(
    private readonly client: Redis,
    private readonly sha: string,
  ) {}

  static async open(url: string): Promise<NaiveStore> {
    const client = new Redis(url);
    return new NaiveStore(client, String(await client.script('LOAD', script)));
  }

  /** @returns whether the circuit is open */
  async apply({ agentA, agentB, outcome, time }: NaiveEvent): Promise<boolean> {
    return (await this.client.evalsha(this.sha, 1, `pair:${agentA}:${agentB}`, time, outcome)) === 1;
  }

  async close(): Promise<void> {
    await this.client.quit();
  }
}

/** The body of an event as a naive consumer reads it: nothing is checked. */
export function naiveEvent(body: Uint8Array): NaiveEvent {
  const { time, data } = JSON.parse(decoder.decode(body)) as {
    time: string;
    data: { agent_a: string; agent_b: string; outcome: TrustOutcome };
  };
  return {
    agentA: data.agent_a,
    agentB: data.agent_b,
    outcome: data.outcome,
    time: Date.parse(time) / 1_000,
  };
}

const decoder = new TextDecoder();
