/** What a state has to be, made of the logs of a broker with the pure functions alone, as a rebuild takes them. */
import { decodeCommand } from '../../src/events/command.js';
import { defaultLimits, deliveredEvent } from '../../src/events/delivered.js';
import { isRejection } from '../../src/events/envelope.js';
import { decodeInteraction } from '../../src/events/interaction.js';
import type { CircuitEvent } from '../../src/events/schemas.js';
import type { Broker, Channel, LogSource, SourceMessage } from '../../src/ports.js';
import { readCircuits } from '../../src/recovery/circuits-log.js';
import { PinnedResets } from '../../src/recovery/pinned-resets.js';
import { readUp } from '../../src/recovery/read-up.js';
import { decay } from '../../src/trust/decay.js';
import type { Policy } from '../../src/trust/policy.js';
import type { TrustState } from '../../src/trust/state.js';
import { StoreModel } from '../contract/store/model.js';

const now = async <T>(_what: string, work: () => T | Promise<T>): Promise<T> => work();

async function withLog<R>(
  broker: Pick<Broker, 'follow'>,
  channel: Channel,
  read: (source: LogSource) => Promise<R>,
): Promise<R> {
  const source = await broker.follow(channel, 'start');
  try {
    return await read(source);
  } finally {
    await source.close();
  }
}

export async function circuitEvents(broker: Pick<Broker, 'follow'>): Promise<CircuitEvent[]> {
  const events: CircuitEvent[] = [];
  await withLog(broker, 'circuits', (source) =>
    readCircuits({ must: now }, source, (event) => void events.push(event)),
  );
  return events;
}

export interface ModelledLogs {
  readonly model: StoreModel;
  /** Names of all pairs that any event is of. */
  readonly pairs: readonly { readonly tenant: string; readonly pairId: string }[];
  readonly interactions: number;
}

export async function modelOf(broker: Pick<Broker, 'follow'>, policy: Policy): Promise<ModelledLogs> {
  const rules = { timedRecovery: true, streamed: true, publishes: false };
  const model = new StoreModel(() => Date.now() / 1_000, Number.POSITIVE_INFINITY);
  const pairs = new Map<string, { tenant: string; pairId: string }>();
  const pinned = new PinnedResets();
  for (const event of await circuitEvents(broker)) pinned.take(event);
  const nowMs = Date.now();
  const each = (channel: Channel, take: (source: LogSource, message: SourceMessage) => void) =>
    withLog(broker, channel, (source) => readUp(source, now, (message) => take(source, message)));
  await each('commands', (source, message) => {
    const command = decodeCommand(deliveredEvent(source, message), defaultLimits);
    if (isRejection(command)) return;
    pairs.set(`${command.tenant}/${command.pairId}`, command);
    model.command({ ...pinned.pin(command), policy, rules, nowMs });
  });
  let interactions = 0;
  await each('interactions', (source, message) => {
    const event = decodeInteraction(deliveredEvent(source, message), defaultLimits);
    if (isRejection(event)) return;
    interactions++;
    pairs.set(`${event.tenant}/${event.pairId}`, event);
    model.apply({ events: [event], policies: [policy], rules, nowMs });
  });
  const names = [...pairs.values()].map(({ tenant, pairId }) => ({ tenant, pairId }));
  return { model, pairs: names, interactions };
}

/** Largest relative difference of evidence, both decayed to one time; Infinity where only one has a state. */
export function difference(one: TrustState | null, other: TrustState | null, policy: Policy): number {
  if (one === null || other === null) return one === other ? 0 : Number.POSITIVE_INFINITY;
  if (one.interactionCount !== other.interactionCount) return Number.POSITIVE_INFINITY;
  const at = Math.max(one.lastUpdated, other.lastUpdated);
  const [a, b] = [one, other].map((state) =>
    decay(state, at - state.lastUpdated, policy.config.halfLifeSeconds),
  ) as [ReturnType<typeof decay>, ReturnType<typeof decay>];
  return Math.max(Math.abs(a.alpha / b.alpha - 1), Math.abs(a.beta / b.beta - 1));
}
