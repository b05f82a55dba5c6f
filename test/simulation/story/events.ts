import type { MessageHeaders } from '../../../src/ports.js';
import { makePairId } from '../../../src/trust/pair.js';
import type { Random } from '../random.js';
import { beginning } from '../world.js';
import type { Plan } from './plan.js';

/** One message of a producer or an operator. */
export interface Sent {
  readonly atMs: number;
  readonly channel: 'interactions' | 'commands';
  /** Its broker knows repeats by it. */
  readonly id: string;
  readonly tenant: string;
  readonly key: string;
  readonly headers: MessageHeaders;
  readonly body: Uint8Array;
}

const tenants = ['default', 'east'] as const;

/** Everything that the story's producers and operators send, as they meant to: the network may have other plans. */
export function eventsOf(plan: Plan, random: Random): Sent[] {
  const pairs = Array.from({ length: plan.pairs }, (_, i) => ({
    tenant: tenants[i % 2] as string,
    agents: [`a${i}`, `b${i % 3}`] as const,
  }));
  const failing = random.between(0.2, 0.9);
  const sent: Sent[] = [];
  const timeAt = (atMs: number, lateMs: number): number => {
    const skew = random.chance(0.5) ? random.between(-plan.skewMs, plan.skewMs) : 0;
    return beginning + (atMs - lateMs + skew) / 1_000;
  };
  const message = (
    channel: Sent['channel'],
    atMs: number,
    id: string,
    data: object,
    time: number | null,
  ): Sent => {
    const pair = random.pick(pairs) ?? pairs[0];
    const agents = random.chance(0.5) ? pair?.agents : [...(pair?.agents ?? [])].reverse();
    const [agent_a = '', agent_b = ''] = agents ?? [];
    const event = { id, ...(time === null ? {} : { time }), agent_a, agent_b, ...data };
    const tenant = pair?.tenant ?? 'default';
    return {
      atMs,
      channel,
      id,
      tenant,
      key: makePairId(agent_a, agent_b),
      headers: {},
      body: Buffer.from(JSON.stringify(event)),
    };
  };

  const bursts = Array.from({ length: plan.bursts }, () => random.between(0, plan.lengthMs));
  for (let i = 0; i < plan.interactions; i++) {
    const burst = random.chance(0.6) ? random.pick(bursts) : undefined;
    const atMs = burst === undefined ? random.between(0, plan.lengthMs) : burst + random.exponential(10);
    const outcome = random.chance(failing)
      ? 'failure'
      : random.pick(['success', 'success', 'partial'] as const);
    const weight = random.chance(0.3) ? random.between(0.1, 4) : 1;
    const lateMs = random.chance(0.3) ? random.exponential(800) : random.exponential(5);
    const time = random.chance(0.1) ? null : timeAt(atMs, lateMs);
    const event = message('interactions', atMs, `i${i}`, { outcome, weight }, time);
    sent.push(event);
    // Its producer did not hear of it, and sends it again.
    if (random.chance(0.1) && time !== null) sent.push({ ...event, atMs: atMs + random.exponential(300) });
    if (random.chance(0.05)) sent.push(broken(event, `x${i}`, random));
  }
  for (let i = 0; i < plan.commands; i++) {
    const atMs = random.between(0, plan.lengthMs);
    const action = random.chance(0.6) ? 'reset' : 'terminate';
    const time = timeAt(atMs, random.chance(0.3) ? random.exponential(600) : 1);
    const event = message('commands', atMs, `c${i}`, { action, actor: 'ann', reason: 'on purpose' }, time);
    sent.push(event);
    if (random.chance(0.3)) sent.push({ ...event, atMs: atMs + random.exponential(300) });
  }
  return sent.sort((a, b) => a.atMs - b.atMs);
}

/** What no processor can take. */
function broken(event: Sent, id: string, random: Random): Sent {
  const text = Buffer.from(event.body).toString();
  const body = random.pick([
    '{"agent_a":',
    text.replace('"outcome":', '"came_of_it":'),
    text.replace('"agent_a":', `"tenant":"west","agent_a":`),
    text
      .replace(/"time":[0-9.]+/, `"time":${beginning + 4_000}`)
      .replace('"id":', `"time":${beginning + 4_000},"id":`),
  ] as const);
  return { ...event, id, body: Buffer.from(body) };
}
