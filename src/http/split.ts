import { reject } from '../events/envelope.js';
import type { MessageHeaders, Rejection } from '../ports.js';

/** One event of a request. */
export interface Item {
  readonly body: Uint8Array;
  readonly headers: MessageHeaders;
  /** Set when it cannot even be passed on. */
  readonly rejection?: Rejection;
}

/** Most events of one request: what waits costs memory by the event as well as by the byte. */
export const mostEvents = 10_000;

const newline = 0x0a;
const openingBracket = 0x5b;

/** The events of a request body: one, an array, or one a line. Throws a {@link Rejection} of the whole. */
export function splitBody(body: Buffer, contentType: string, headers: MessageHeaders): readonly Item[] {
  const type = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  if (/ndjson|jsonl|json-lines/.test(type)) return splitLines(body);
  const batch = type === 'application/cloudevents-batch+json';
  const binary = headers['ce-specversion'] !== undefined;
  if (batch || (!binary && firstByte(body) === openingBracket)) return splitArray(body);
  return [{ body, headers: eventHeaders(headers) }];
}

function splitLines(body: Buffer): Item[] {
  const items: Item[] = [];
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(newline, start);
    const end = found < 0 ? body.length : found;
    const line = body.subarray(start, end);
    if (firstByte(line) !== undefined) items.push({ body: line, headers: {} });
    if (items.length > mostEvents) throw tooMany();
    start = end + 1;
  }
  return items;
}

function splitArray(body: Buffer): Item[] {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw reject('invalid_json', '', `must be JSON in UTF-8: ${(error as Error).message}`);
  }
  if (!Array.isArray(value)) throw reject('invalid_event', '', 'must be an array of events');
  if (value.length > mostEvents) throw tooMany();
  return value.map((item: unknown) => {
    try {
      return { body: Buffer.from(JSON.stringify(item)), headers: {} };
    } catch {
      // JSON.parse takes any depth, JSON.stringify does not.
      const rejection = reject('invalid_event', '', 'must not be nested this deeply');
      return { body: Buffer.alloc(0), headers: {}, rejection };
    }
  });
}

function tooMany(): Rejection {
  return reject('too_large', '', `must hold at most ${mostEvents} events`);
}

/** The first byte that is not white space. */
function firstByte(body: Buffer): number | undefined {
  return body.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
}

/** Headers that say something about the event: the CloudEvents attributes and what goes with them. */
function eventHeaders(headers: MessageHeaders): MessageHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => name.startsWith('ce-') || name === 'content-type' || name === 'traceparent',
    ),
  );
}
