import { createHash } from 'node:crypto';
import type { MessageHeaders, Rejection, SinkMessage } from '../ports.js';
import { type DeliveredEvent, positionId } from './delivered.js';
import { bounded } from './envelope.js';
import { defaultTenant, isTenant } from './schemas.js';
import { formatTime } from './time.js';

/** What is kept of an event that is too large to be passed on. */
const keptBytes = 64 * 1024;
/** Of its headers: JetStream takes 64 KiB, with ours. */
const keptHeaderBytes = 32 * 1024;
/** What a broker counts beside body and headers: its own header of the id, and what frames a message; and a header. */
const framingBytes = 256;
const headerFramingBytes = 32;

/**
 * An event that cannot be accepted, with its bytes, its headers and the reason. The id is that of its place in
 * the source, so one that is sent again is known as the same. What a broker takes as an event may be too large for it
 * as a dead letter, or for another broker: then the letter is cut.
 *
 * @param at when it was refused, seconds since the epoch.
 */
export function deadLetter(
  event: DeliveredEvent,
  system: string,
  rejection: Rejection,
  at: number,
): SinkMessage {
  const position = positionId(event.position);
  const id = `${system}:${position}`;
  const detail = rejection.field === '' ? rejection.rule : `${rejection.field} ${rejection.rule}`;
  const own = {
    'dlq-id': headerText(id),
    'dlq-reason': rejection.reason,
    'dlq-detail': headerText(bounded(detail, 500)),
    'dlq-source-system': headerText(system),
    'dlq-source-position': headerText(position),
    'dlq-at': formatTime(at),
  };
  const letter = {
    channel: 'dead-letters',
    id,
    tenant: event.tenant !== null && isTenant(event.tenant) ? event.tenant : defaultTenant,
    key: rejection.reason,
  } as const;
  const cutTo = (maxBytes: number): SinkMessage => ({ ...letter, ...cut(event, own, maxBytes) });
  if (rejection.reason !== 'too_large')
    return { ...letter, headers: { ...event.headers, ...own }, body: event.body, cutTo };
  return {
    ...letter,
    headers: { ...event.headers, ...own, ...largeness(event) },
    body: beginning(event, keptBytes),
    cutTo,
  };
}

/** The beginning of body and headers, such that all fits into `maxBytes`; our own headers are kept whole. */
function cut(
  event: DeliveredEvent,
  own: MessageHeaders,
  maxBytes: number,
): Pick<SinkMessage, 'headers' | 'body'> {
  const about = { ...own, ...largeness(event) };
  // The id goes in a header of the broker's too.
  const room = Math.max(
    0,
    maxBytes - framingBytes - headersBytes(about) - headersBytes({ id: own['dlq-id'] ?? '' }),
  );
  const { kept, bytes, omitted } = firstHeaders(event.headers, Math.min(room / 2, keptHeaderBytes));
  return {
    headers: { ...kept, ...about, ...(omitted === 0 ? {} : { 'dlq-headers-omitted': String(omitted) }) },
    body: beginning(event, Math.min(room - bytes, keptBytes)),
  };
}

/** Those headers, in their order, that fit into so many bytes together. */
function firstHeaders(headers: MessageHeaders, maxBytes: number) {
  const all = Object.entries(headers);
  let bytes = 0;
  const fitting = all.filter(([name, value]) => {
    const more = headersBytes({ [name]: value });
    if (bytes + more > maxBytes) return false;
    bytes += more;
    return true;
  });
  // Not by assignment, which would lose a header whose name is __proto__.
  return { kept: Object.fromEntries(fitting), bytes, omitted: all.length - fitting.length };
}

function headersBytes(headers: MessageHeaders): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(headers))
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + headerFramingBytes;
  return bytes;
}

/** A copy: a view would keep all of the large one in memory. */
function beginning({ body }: DeliveredEvent, bytes: number): Uint8Array {
  return Uint8Array.from(body.subarray(0, Math.floor(bytes)));
}

function largeness({ body, original }: DeliveredEvent): Record<string, string> {
  return {
    'dlq-original-length': String(original?.bytes ?? body.byteLength),
    'dlq-original-sha256': original?.sha256 ?? createHash('sha256').update(body).digest('hex'),
  };
}

/** A header holds one line. */
function headerText(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
