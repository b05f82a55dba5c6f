/** JetStream messages as the ports have them, and back. */
import { headers, type Msg, type MsgHdrs, type StoredMsg } from 'nats';
import type { MessageHeaders, SinkMessage, SourceMessage } from '../../ports.js';
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
  // Neither split nor sliced: this is done for every message.
  const dots: number[] = [];
  for (let at = reply.indexOf('.'); at >= 0; at = reply.indexOf('.', at + 1)) dots.push(at);
  const first = dots.length === 8 ? 2 : 4;
  const from = (token: number): number => (dots[first + token] ?? 0) + 1;
  return {
    consumer: reply.slice(from(0), from(1) - 1),
    streamSequence: numberIn(reply, from(2), from(3) - 1),
    deliverySequence: numberIn(reply, from(3), from(4) - 1),
    // In microseconds: a number cannot hold the nanoseconds.
    receivedAt: numberIn(reply, from(4), from(5) - 4) / 1e6,
  };
}

/** The number whose digits stand from `start` to before `end`. */
function numberIn(text: string, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) number = 10 * number + text.charCodeAt(at) - 48;
  return number;
}

/** A message as its reader has it, and where it is answered. */
export interface Delivered {
  readonly message: SourceMessage;
  readonly reply: string;
}

/**
 * @param delivery what the reply subject says.
 * @param source names the log in positions.
 * @param root what the subjects begin with; the tenant follows.
 */
export function readDelivered(message: Msg, delivery: Delivery, source: string, root: string): Delivered {
  const headers = headersOf(() => message.headers);
  return {
    message: {
      body: message.data,
      headers: headers ?? noHeaders,
      tenant: tenantOf(message.subject, root),
      position: { source, sequence: delivery.streamSequence },
      receivedAt: delivery.receivedAt,
      ...(headers === null && unreadable),
    },
    reply: message.reply ?? '',
  };
}

/** A message that was looked up, as {@link readDelivered} gives one that was delivered. */
export function storedMessage(stored: StoredMsg, source: string, root: string): SourceMessage {
  const headers = headersOf(() => stored.header);
  return {
    body: stored.data,
    headers: headers ?? noHeaders,
    tenant: tenantOf(stored.subject, root),
    position: { source, sequence: stored.seq },
    receivedAt: stored.time.getTime() / 1_000,
    ...(headers === null && unreadable),
  };
}

const noHeaders: MessageHeaders = {};

/** The server takes any bytes for headers, and the library throws where they are none. */
const unreadable: Pick<SourceMessage, 'malformed'> = {
  malformed: {
    reason: 'invalid_event',
    field: 'headers',
    rule: 'must have names of printable ASCII and values of one line',
  },
};

/** Null: they cannot be read. */
function headersOf(read: () => MsgHdrs | undefined): MessageHeaders | null {
  let given: MsgHdrs | undefined;
  try {
    given = read();
  } catch {
    return null;
  }
  if (given === undefined) return noHeaders;
  // Not by assignment, which would lose a header whose name is __proto__.
  return Object.fromEntries(Array.from(given, ([name, values]) => [name.toLowerCase(), values.at(-1) ?? '']));
}

/** Headers that the server would act on. */
const acted = /^nats-/i;

/**
 * Headers as they are sent: but for the id, none that the server would act on or refuse. It drops what has the id of a
 * message before it, so what is sent again on purpose goes without.
 */
export function headersFor({
  id,
  again,
  headers: given,
}: Pick<SinkMessage, 'id' | 'again' | 'headers'>): MsgHdrs {
  const made = headers();
  if (again !== true) made.append('Nats-Msg-Id', messageId(id));
  for (const [name, value] of Object.entries(given)) {
    const taken = name.replace(/[^!-9;-~]/g, '-') || '-';
    made.set(acted.test(taken) ? `dlq-original-${taken}` : taken, value.replace(/[\r\n]+/g, ' '));
  }
  return made;
}

/** An id as a header holds it. */
function messageId(id: string): string {
  return /[\r\n]|^\s|\s$/.test(id) ? encodeURIComponent(id.toWellFormed()) : id;
}
