/** Every transition is published, under one id with one payload, in order, and the last one is the state's. */
import { circuitMessage } from '../../../src/events/circuit.js';
import type { CircuitEvent } from '../../../src/events/schemas.js';
import type { Logged } from '../bus/log.js';
import { shardOf } from '../store/client.js';
import type { Written } from '../store/server.js';
import type { Remains } from './verify.js';

export function brokenCircuits({ plan, bus, servers, fleet }: Remains): string[] {
  const messages = bus.messages('circuits');
  const written = new Map(servers.flatMap((server) => [...server.written]));
  const killed = new Set(fleet.everybody.flatMap(({ process }) => (process.alive ? [] : [process.name])));
  const broken = [
    ...unpublished(messages, written),
    ...otherPayloads(messages, written),
    ...brokenLast(messages, written, killed),
    ...earlierResets(messages),
  ];
  for (const [pair, events] of byPair(messages))
    broken.push(
      ...brokenOrder(events, written, isLossy(servers), plan.harm > 0).map((what) => `${pair}: ${what}`),
    );
  for (const server of servers)
    for (const [key, { pair }] of server.pairs.entries()) {
      const events = byPair(messages).get(key) ?? [];
      const last = events.reduce((highest, event) => Math.max(highest, event.data.transition), 0);
      const seen = events.find(({ data }) => data.transition === last);
      const circuit = pair.state?.circuitState ?? 'CLOSED';
      if (last !== pair.transition || (seen !== undefined && seen.data.to !== circuit))
        broken.push(
          `${key}: a reader sees ${last} ${seen?.data.to}, and the state is ${pair.transition} ${circuit}`,
        );
      if (shardOf(servers, pair.pairId) !== server) broken.push(`${key}: lies in ${server.name}`);
    }
  for (const server of servers)
    if (server.outbox.size > 0)
      broken.push(`${server.outbox.size} entries are left in the outbox of ${server.name}`);
  return broken;
}

/** Whoever takes the last record of a pair has to have its newest, unless the relay that repeated an older one was killed. */
function brokenLast(
  messages: readonly Logged[],
  written: ReadonlyMap<string, Written>,
  killed: ReadonlySet<string>,
): string[] {
  const numberOf = ({ id }: Logged): number => written.get(id)?.entry.transition.transition ?? 0;
  const last = new Map<string, Logged>();
  const highest = new Map<string, number>();
  const excused = new Set<string>();
  for (const message of messages) {
    const pair = `${message.tenant}/${message.key}`;
    const most = highest.get(pair) ?? 0;
    if (numberOf(message) < most && killed.has(message.by)) excused.add(pair);
    last.set(pair, message);
    highest.set(pair, Math.max(most, numberOf(message)));
  }
  return [...last].flatMap(([pair, message]) =>
    numberOf(message) === highest.get(pair) || excused.has(pair)
      ? []
      : [
          `${pair}: the last record is ${message.id} by ${message.by}, and ${highest.get(pair)} is the newest`,
        ],
  );
}

/**
 * A reset that is applied again takes effect no earlier than it did: what it made void stays so. It may be later, where
 * events that came after it were applied before it was.
 */
function earlierResets(messages: readonly Logged[]): string[] {
  const effects = new Map<string, number>();
  const seen = new Set<string>();
  return messages.flatMap(({ id, body, tenant, key }) => {
    const { type, data } = JSON.parse(Buffer.from(body).toString()) as CircuitEvent;
    if (seen.has(id)) return [];
    seen.add(id);
    if (type !== 'fulcrum.trust.circuit.reset.v1' || data.cause.kind !== 'operator') return [];
    const reset = `${tenant}/${key}: the reset ${data.cause.event_id}`;
    const before = effects.get(reset) ?? data.occurred_at;
    effects.set(reset, data.occurred_at);
    return data.occurred_at < before
      ? [`${reset} took effect at ${before} and then at ${data.occurred_at}`]
      : [];
  });
}

function unpublished(messages: readonly Logged[], written: ReadonlyMap<string, Written>): string[] {
  const published = new Set(messages.map(({ id }) => id));
  return [...written].flatMap(([id, { lost }]) =>
    lost || published.has(id) ? [] : [`transition ${id} was never published`],
  );
}

function otherPayloads(messages: readonly Logged[], written: ReadonlyMap<string, Written>): string[] {
  return messages.flatMap(({ id, body, sequence }) => {
    const known = written.get(id);
    if (known === undefined) return [`circuit event ${sequence} is of ${id}, which never was`];
    return Buffer.compare(body, circuitMessage(known.entry).body) === 0 ? [] : [`${id} has two payloads`];
  });
}

function byPair(messages: readonly Logged[]): Map<string, CircuitEvent[]> {
  const pairs = new Map<string, CircuitEvent[]>();
  for (const { tenant, key, body } of messages) {
    const pair = `${tenant}/${key}`;
    const events = pairs.get(pair) ?? [];
    pairs.set(pair, events);
    events.push(JSON.parse(Buffer.from(body).toString()) as CircuitEvent);
  }
  return pairs;
}

/**
 * @param lossy a restart has lost writes: then the transition before may be an earlier one of the pair
 * @param lateRequests requests may be done after their senders gave them up
 */
function brokenOrder(
  events: readonly CircuitEvent[],
  written: ReadonlyMap<string, Written>,
  lossy: boolean,
  lateRequests: boolean,
): string[] {
  const broken: string[] = [];
  const before = [0];
  const lost = (id = ''): boolean => written.get(id)?.lost === true;
  for (const { id, data } of events) {
    const { transition, previous_transition: previous } = data;
    if (before.includes(transition)) continue;
    const last = Math.max(...before);
    // What a relay had in its hands when the store lost it comes as late as a repeat does; and a request that was under
    // way when the store lost what came after it is numbered by when it was sent.
    const overtaken =
      lost(id) || (lateRequests && lost(events.find((event) => event.data.transition === last)?.id));
    if (transition < last && !overtaken) broken.push(`${transition} is published after ${last}`);
    if (lossy ? !before.includes(previous) : previous !== last)
      broken.push(`${transition} says that ${previous} was before it, and ${last} was`);
    before.push(transition);
  }
  return broken;
}

/** Whether a restart has lost what was written. */
export function isLossy(servers: Remains['servers']): boolean {
  return servers.some(({ restartsWithLoss }) => restartsWithLoss > 0);
}
