/** JetStream messages as the ports have them, and back. */
import { headers, type Msg, type MsgHdrs, type StoredMsg } from 'nats';
import type { MessageHeaders, SourceMessage } from '../../ports.js';
import { tenantOf } from './subjects.js';

/** What the reply subject of a delivered message says. */
export interface Delivery {
  readonly consumer: string;
  readonly streamSequence: number;
  /** Rises by one with every delivery of the consumer. */
  readonly deliverySequence: number;
  /** When the stream took it, seconds since the epoch. */
  readonly receivedAt: number;
}

/**
 * `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<delivery sequence>.<ns>.<pending>`; with domains
 * there are two tokens more behind `ACK`.
 */
export function deliveryOf(reply: string): Delivery {
  const tokens = reply.split('.');
  const first = tokens.length === 9 ? 3 : 5;
  return {
    consumer: tokens[first] ?? '',
    streamSequence: Number(tokens[first + 2]),
    deliverySequence: Number(tokens[first + 3]),
    // In microseconds: a number cannot hold the nanoseconds.
    receivedAt: Number(tokens[first + 4]?.slice(0, -3)) / 1e6,
  };
}

/**
 * @param source names the log in positions.
 * @param root what the subjects begin with; the tenant follows.
 */
export function sourceMessage(message: Msg, source: string, root: string): SourceMessage {
  const { streamSequence, receivedAt } = deliveryOf(message.reply ?? '');
  return {
    body: message.data,
    headers: headersOf(message.headers),
    tenant: tenantOf(message.subject, root),
    position: { source, sequence: streamSequence },
    receivedAt,
  };
}

/** A message that was looked up, as {@link sourceMessage} gives one that was delivered. */
export function storedMessage(stored: StoredMsg, source: string, root: string): SourceMessage {
  return {
    body: stored.data,
    headers: headersOf(stored.header),
    tenant: tenantOf(stored.subject, root),
    position: { source, sequence: stored.seq },
    receivedAt: stored.time.getTime() / 1_000,
  };
}

const noHeaders: MessageHeaders = {};

function headersOf(given: MsgHdrs | undefined): MessageHeaders {
  if (given === undefined) return noHeaders;
  const named: Record<string, string> = {};
  for (const [name, values] of given) named[name.toLowerCase()] = values.at(-1) ?? '';
  return named;
}

/** Headers that the server would act on. */
const acted = /^nats-/i;

/** Headers as they are sent: none that the server would act on or refuse. */
export function headersFor(given: MessageHeaders): MsgHdrs {
  const made = headers();
  for (const [name, value] of Object.entries(given)) {
    const kept = acted.test(name) ? `dlq-original-${name}` : name;
    made.set(kept.replace(/[^!-9;-~]/g, '-') || '-', value.replace(/[\r\n]+/g, ' '));
  }
  return made;
}

/** An id as a header holds it: the server drops what has the id of a message before it. */
export function messageId(id: string): string {
  return /[\r\n]|^\s|\s$/.test(id) ? encodeURIComponent(id.toWellFormed()) : id;
}
