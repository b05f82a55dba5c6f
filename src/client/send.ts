/** Sending through a broker: interactions, and commands whose circuit event is waited for. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultLimits, type EventLimits } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import { decodeInteraction } from '../events/interaction.js';
import { type CircuitEvent, eventTypes } from '../events/schemas.js';
import { formatTime } from '../events/time.js';
import type {
  Broker,
  Clock,
  EventSink,
  EventSource,
  Rejection,
  SinkMessage,
  SourceBatch,
  SourceMessage,
} from '../ports.js';
import { makePairId } from '../trust/pair.js';
import { circuitEventOf } from './watch.js';

/** Events of one request to the broker. */
const sentAtATime = 500;
const waitMs = 100;

export interface SendOptions {
  readonly limits?: EventLimits;
  /** Stamps events that say no time, to check them; the broker stamps them anew. */
  readonly clock: Clock;
  /** Told of each event that is not sent, counted from 1. */
  readonly onRejected: (record: number, rejection: Rejection) => void;
}

/** Sends all interactions of a source, each checked first; resolves when the broker has them. */
export async function sendInteractions(
  sink: EventSink,
  source: EventSource,
  options: SendOptions,
): Promise<{ readonly accepted: number; readonly rejected: number }> {
  let accepted = 0;
  let rejected = 0;
  const send = async (batch: SourceBatch, messages: readonly SinkMessage[]): Promise<void> => {
    if (messages.length > 0) await sink.publish(messages);
    accepted += messages.length;
    await batch.ack();
  };
  // A batch is read and checked while the one before it is on its way, and no more than these two are held.
  let sending = Promise.resolve();
  for (;;) {
    const batch = await source.read(sentAtATime, waitMs);
    const messages: SinkMessage[] = [];
    for (const message of batch?.messages ?? []) {
      const made = interactionMessage(source, message, options);
      if (isRejection(made)) {
        rejected++;
        options.onRejected(message.position.sequence, made);
      } else messages.push(made);
    }
    await sending;
    if (batch === null) return { accepted, rejected };
    sending = send(batch, messages);
    // It is heard of when the next batch is there; until then it is nobody's unhandled one.
    sending.catch(() => {});
  }
}

function interactionMessage(
  source: EventSource,
  message: SourceMessage,
  { limits = defaultLimits, clock }: SendOptions,
): SinkMessage | Rejection {
  if (message.malformed !== undefined) return message.malformed;
  const delivered = { ...message, receivedAt: clock(), headerPrefix: source.headerPrefix };
  const event = decodeInteraction(delivered, limits);
  if (isRejection(event)) return event;
  return {
    channel: 'interactions',
    // The broker drops a repeat of one producer's event; what has no id of its own is never taken for one.
    id: event.duplicateKey === null ? randomUUID() : event.duplicateKey.replace('\n', '/'),
    tenant: event.tenant,
    key: event.pairId,
    headers: { 'content-type': 'application/json' },
    body: message.body,
  };
}

export interface OperatorCommand {
  readonly tenant: string;
  readonly agent_a: string;
  readonly agent_b: string;
  readonly action: 'terminate' | 'reset';
  readonly actor: string;
  readonly reason: string;
}

/**
 * Sends an operator's command and waits for the circuit event that it causes. Null: none came in time, which is so
 * where there is nothing to change, and where no processor runs.
 */
export async function sendCommand(
  broker: Broker,
  command: OperatorCommand,
  { clock, withinMs }: { readonly clock: Clock; readonly withinMs: number },
): Promise<CircuitEvent | null> {
  const id = randomUUID();
  const circuits = await broker.follow('circuits', 'now', command.tenant);
  try {
    const { tenant, agent_a, agent_b } = command;
    const event = {
      specversion: '1.0',
      id,
      source: 'fulcrum-trust/operator',
      type: eventTypes.command,
      time: formatTime(clock()),
      datacontenttype: 'application/json',
      data: command,
    };
    await broker.sink.publish([
      {
        channel: 'commands',
        id,
        tenant,
        key: makePairId(agent_a, agent_b),
        headers: { 'content-type': 'application/cloudevents+json' },
        body: Buffer.from(JSON.stringify(event)),
      },
    ]);
    return await Promise.race([causedBy(circuits, id), sleep(withinMs, null, { ref: false })]);
  } finally {
    await circuits.close();
  }
}

async function causedBy(circuits: EventSource, commandId: string): Promise<CircuitEvent | null> {
  for (;;) {
    const batch = await circuits.read(sentAtATime, waitMs);
    if (batch === null) return null;
    for (const message of batch.messages) {
      const event = circuitEventOf(message);
      if (event?.data.cause.kind === 'operator' && event.data.cause.event_id === commandId) return event;
    }
  }
}
