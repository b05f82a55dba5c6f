/** Every accepted event counts exactly once, commands take effect as the model says, and the rest are dead letters. */

import type { CircuitEvent } from '../../../src/events/schemas.js';
import { makePairId } from '../../../src/trust/pair.js';
import { PolicyBook } from '../../../src/trust/policies.js';
import type { Pair } from '../../../src/trust/record.js';
import type { TrustState } from '../../../src/trust/state.js';
import type { Bus } from '../bus/bus.js';
import { shardOf } from '../store/client.js';
import { beginning } from '../world.js';
import { isLossy } from './circuits.js';
import type { Remains } from './verify.js';

interface Body {
  readonly id: string;
  readonly time?: number;
  readonly agent_a: string;
  readonly agent_b: string;
  readonly outcome: 'success' | 'failure' | 'partial';
  readonly weight: number;
  readonly action: 'reset' | 'terminate';
}

interface PairLog {
  readonly tenant: string;
  readonly agents: readonly [string, string];
  readonly interactions: Map<string, Body & { readonly time: number }>;
  readonly commands: { readonly id: string; readonly time: number; readonly action: Body['action'] }[];
}

export function brokenEvidence(remains: Remains): string[] {
  const { bus, servers } = remains;
  const logs = readLogs(bus);
  const broken = brokenDeadLetters(bus);
  for (const [key, log] of logs) {
    const [tenant = '', pairId = ''] = key.split('/');
    const pair = shardOf(servers, pairId).pairs.get(`${tenant}/${pairId}`)?.pair ?? null;
    broken.push(...brokenPair(remains, pairId, log, pair).map((what) => `${key}: ${what}`));
  }
  const known = servers.flatMap(({ pairs }) => pairs.keys());
  broken.push(...known.filter((key) => !logs.has(key)).map((key) => `${key}: nobody sent anything of it`));
  return broken;
}

/** The logs of the broker are all that is asked; what the story knows to be broken has an id with an x. */
function readLogs(bus: Bus): Map<string, PairLog> {
  const logs = new Map<string, PairLog>();
  for (const channel of ['interactions', 'commands'] as const)
    for (const { id, body, tenant, atMs } of bus.messages(channel)) {
      if (id.startsWith('x')) continue;
      const event = JSON.parse(Buffer.from(body).toString()) as Body;
      const { agent_a, agent_b, action } = event;
      const time = event.time ?? beginning + atMs / 1_000;
      const key = `${tenant}/${makePairId(agent_a, agent_b)}`;
      const log: PairLog = logs.get(key) ?? {
        tenant,
        agents: [agent_a, agent_b],
        interactions: new Map(),
        commands: [],
      };
      logs.set(key, log);
      if (channel === 'commands') log.commands.push({ id, time, action });
      else if (!log.interactions.has(id)) log.interactions.set(id, { ...event, time });
    }
  return logs;
}

function brokenDeadLetters(bus: Bus): string[] {
  const letters = new Set(bus.messages('dead-letters').map(({ id }) => id));
  const channels = ['interactions', 'commands'] as const;
  const wanted = new Set(
    channels
      .flatMap((channel) => bus.logs[channel])
      .flatMap(({ source, messages }) =>
        messages
          .filter(({ id }) => id.startsWith('x'))
          .map(({ sequence }) => `simulated:${source}/${sequence}`),
      ),
  );
  return [
    ...[...wanted].filter((id) => !letters.has(id)).map((id) => `${id} is no dead letter`),
    ...[...letters]
      .filter((id) => !wanted.has(id))
      .map((id) => `${id} is a dead letter and should have been taken`),
  ];
}

function brokenPair(remains: Remains, pairId: string, log: PairLog, pair: Pair | null): string[] {
  const [asTold, ...otherwise] = resetTimes(remains, log, pairId).map((resetAt) =>
    brokenSince(resetAt, remains, log, pair?.state ?? null),
  );
  return otherwise.some((broken) => broken.length === 0) ? [] : (asTold ?? []);
}

function lastOf(action: Body['action'], { commands }: PairLog): number {
  const times = commands.filter((one) => one.action === action).map(({ time }) => time);
  return Math.max(Number.NEGATIVE_INFINITY, ...times);
}

/**
 * When the pair's last reset may have taken effect: the latest that any of its circuit events says. Where a store lost
 * two resets and the later one came first again, what was applied before the earlier one came back too stays counted.
 */
function resetTimes({ bus, servers }: Remains, log: PairLog, pairId: string): number[] {
  const resetTime = lastOf('reset', log);
  const resets = resetsOf(bus, log, pairId);
  const ofLast = resets.filter(({ time }) => time === resetTime);
  const latest = (some: typeof resets): number => Math.max(resetTime, ...some.map(({ at }) => at));
  return isLossy(servers) ? [latest(resets), latest(ofLast)] : [latest(resets)];
}

/** What is wrong with a state in which the interactions after a time have to count. */
function brokenSince(resetAt: number, remains: Remains, log: PairLog, state: TrustState | null): string[] {
  const terminated = lastOf('terminate', log) > lastOf('reset', log);
  const counted = [...log.interactions.values()].filter(({ time }) => time > resetAt);
  if (state === null)
    return counted.length > 0 || terminated ? [`has no state, though ${counted.length} events count`] : [];
  if (counted.length === 0 && !terminated) return [`has a state, though it was reset and nothing came since`];

  const broken: string[] = [];
  if (state.interactionCount !== counted.length)
    broken.push(`counts ${state.interactionCount} events, and ${counted.length} were sent that count`);
  if ((state.circuitState === 'TERMINATED') !== terminated)
    broken.push(`is ${state.circuitState} and should ${terminated ? '' : 'not '}be TERMINATED`);
  const book = new PolicyBook({ version: 1, default: remains.plan.trust, policies: remains.plan.policies });
  const { halfLifeSeconds } = book.policyOf(log.tenant, ...log.agents).config;
  const at = Math.max(state.lastUpdated, ...counted.map(({ time }) => time));
  const left = (time: number): number => 0.5 ** ((at - time) / halfLifeSeconds);
  const expected = (share: Readonly<Record<Body['outcome'], number>>): number =>
    counted.reduce((sum, { outcome, weight, time }) => sum + share[outcome] * weight * left(time), 1);
  const found = (parameter: number): number => 1 + (parameter - 1) * left(state.lastUpdated);
  const compare = (name: string, is: number, should: number): void => {
    if (!(Math.abs(is - should) <= 1e-9 * should)) broken.push(`${name} is ${is} and should be ${should}`);
  };
  compare('alpha', found(state.alpha), expected({ success: 1, partial: 0.5, failure: 0 }));
  compare('beta', found(state.beta), expected({ success: 0, partial: 0.5, failure: 1 }));
  return broken;
}

/** When the resets of a pair took effect, as its circuit events say. */
function resetsOf(bus: Bus, log: PairLog, pairId: string): { readonly time: number; readonly at: number }[] {
  const latest = Math.max(...[...log.interactions.values(), ...log.commands].map(({ time }) => time));
  return bus.messages('circuits').flatMap(({ tenant, key, body }) => {
    if (tenant !== log.tenant || key !== pairId) return [];
    const { data } = JSON.parse(Buffer.from(body).toString()) as CircuitEvent;
    const { cause, occurred_at: at } = data;
    if (cause.kind !== 'operator') return [];
    const reset = log.commands.find(({ id, action }) => id === cause.event_id && action === 'reset');
    // A reset that claims more than there was would make anything right.
    if (reset === undefined || at < reset.time || at > latest + 3_600) return [];
    return [{ time: reset.time, at }];
  });
}
