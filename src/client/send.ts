/** Sending interactions through a broker. */
import { randomUUID } from 'node:crypto';
import { type DeliveredEvent, defaultLimits, type EventLimits } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import { decodeInteraction } from '../events/interaction.js';
import type {
  Clock,
  EventSink,
  EventSource,
  MessageHeaders,
  Rejection,
  SinkMessage,
  SourceBatch,
  SourceMessage,
} from '../ports.js';

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
      const made = messageOf(source, message, options);
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

function messageOf(
  source: EventSource,
  message: SourceMessage,
  { limits = defaultLimits, clock }: SendOptions,
): SinkMessage | Rejection {
  if (message.malformed !== undefined) return message.malformed;
  const delivered = { ...message, receivedAt: clock(), headerPrefix: source.headerPrefix };
  return interactionMessage(delivered, limits, source.headerPrefix);
}

/**
 * An interaction as a broker takes it, or why it is none.
 *
 * @param headerPrefix of the CloudEvents binding of the broker that it goes to
 */
export function interactionMessage(
  delivered: DeliveredEvent,
  limits: EventLimits,
  headerPrefix: EventSource['headerPrefix'],
): SinkMessage | Rejection {
  const event = decodeInteraction(delivered, limits);
  if (isRejection(event)) return event;
  return {
    channel: 'interactions',
    // The broker drops a repeat of one producer's event; what has no id of its own is never taken for one.
    id:
      event.duplicateKey === null ? randomUUID() : `${event.tenant}/${event.duplicateKey.replace('\n', '/')}`,
    tenant: event.tenant,
    key: event.pairId,
    headers: {
      'content-type': 'application/json',
      ...withPrefix(delivered.headers, delivered.headerPrefix, headerPrefix),
    },
    body: delivered.body,
  };
}

/** The attributes of an event in binary mode, as the other binding names them. */
function withPrefix(headers: MessageHeaders, from: string, to: string): MessageHeaders {
  if (from === to) return headers;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.startsWith(from) ? to + name.slice(from.length) : name,
      value,
    ]),
  );
}
