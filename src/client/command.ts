/** Sending an operator's command through a broker, and learning what came of it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AllAcknowledged } from '../all-acknowledged.js';
import { FulcrumError } from '../errors.js';
import { circuitEventOf } from '../events/circuit.js';
import { cloudEvent } from '../events/cloud-event.js';
import { type AcceptedCommand, decodeCommand } from '../events/command.js';
import type { EventLimits } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import { type CircuitEvent, type commandActions, eventTypes } from '../events/schemas.js';
import type { Broker, Rejection, SourceMessage } from '../ports.js';
import type { Pair } from '../trust/record.js';
import { firstTold } from './first-told.js';

export interface OperatorCommand {
  readonly tenant: string;
  readonly agent_a: string;
  readonly agent_b: string;
  readonly action: (typeof commandActions)[number];
  readonly actor: string;
  readonly reason: string;
}

/** What came of a command within the time that it was waited for. */
export type CommandOutcome =
  | { readonly kind: 'changed'; readonly event: CircuitEvent }
  /** A processor has applied it, and there was nothing to change. */
  | { readonly kind: 'unchanged' }
  /** The broker keeps it, and no processor is known to have applied it yet. */
  | { readonly kind: 'pending' };

/** A command as it goes to the broker. */
export interface CommandToSend extends Pick<AcceptedCommand, 'tenant' | 'pairId' | 'eventId'> {
  readonly body: Uint8Array;
}

export interface CommandWait {
  readonly withinMs: number;
  /** What the store knows of the pair, for those who can look: it tells at once that nothing changed. */
  readonly look?: () => Promise<Pair | null>;
}

/** How often it is asked whether a processor has taken it, in ms. */
const askEveryMs = 200;
/** How long after that its circuit event may still come: another process may have to publish it, or to fall silent first. */
const publishedWithinMs = 6_000;

/** The command as an event, given an id and the time `now`, in seconds since the epoch. */
export function commandEvent(command: OperatorCommand, now: number): Buffer {
  const event = cloudEvent({
    id: randomUUID(),
    source: 'fulcrum-trust/operator',
    type: eventTypes.command,
    time: now,
    data: command,
  });
  return Buffer.from(JSON.stringify(event));
}

/** A command that is ready to be sent, or why it is none: bare JSON with an id, or a CloudEvent. */
export function commandToSend(body: Uint8Array, limits: EventLimits, now: number): CommandToSend | Rejection {
  const delivered = {
    body,
    headers: {},
    headerPrefix: 'ce-',
    tenant: null,
    position: { source: 'command', sequence: 0 },
    receivedAt: now,
  } as const;
  const command = decodeCommand(delivered, limits);
  if (isRejection(command)) return command;
  const { tenant, pairId, eventId } = command;
  return { tenant, pairId, eventId, body };
}

/** Sends an operator's command and waits until it is known what came of it, or for as long as it says. */
export async function sendCommand(
  broker: Broker,
  command: CommandToSend,
  { withinMs, look }: CommandWait,
): Promise<CommandOutcome> {
  const { tenant, pairId, eventId, body } = command;
  const before = await lastTransition(look);
  const circuits = await broker.follow('circuits', 'now', tenant);
  try {
    await broker.sink.publish([
      {
        channel: 'commands',
        // The broker drops a repeat of one command, and no other's that has its id.
        id: `${tenant}/${pairId}/${eventId}`,
        tenant,
        key: pairId,
        headers: { 'content-type': 'application/json' },
        body,
      },
    ]);
    const event = firstTold(circuits, (message) => causedBy(message, command));
    // It is waited for below, unless something else fails first.
    event.catch(() => {});
    const applied = new AllAcknowledged(() => broker.standing('commands'));
    const deadline = Date.now() + withinMs;
    // Reached when a processor has applied it and its circuit event has had the time to be published.
    let quietAt = Number.POSITIVE_INFINITY;
    while (Date.now() < deadline) {
      const came = await Promise.race([event, sleep(askEveryMs, null)]);
      if (came !== null) return { kind: 'changed', event: came };
      if (Date.now() >= quietAt) return { kind: 'unchanged' };
      if (Number.isFinite(quietAt) || !(await applied.ask())) continue;
      const last = await lastTransition(look);
      if (last !== null && last === before) return { kind: 'unchanged' };
      if (last === null || before === null) quietAt = Date.now() + publishedWithinMs;
    }
    return { kind: 'pending' };
  } finally {
    await circuits.close();
  }
}

/** The number of the pair's last transition; null: it cannot be said. */
async function lastTransition(look: CommandWait['look']): Promise<number | null> {
  if (look === undefined) return null;
  try {
    return (await look())?.transition ?? 0;
  } catch (error) {
    if (error instanceof FulcrumError) return null;
    throw error;
  }
}

/** The event of a command, null where it is another's. */
function causedBy(message: SourceMessage, command: CommandToSend): CircuitEvent | null {
  const event = circuitEventOf(message);
  return event !== null && isCausedBy(event, command) ? event : null;
}

function isCausedBy({ data }: CircuitEvent, { pairId, eventId }: CommandToSend): boolean {
  return data.pair_id === pairId && data.cause.kind === 'operator' && data.cause.event_id === eventId;
}
