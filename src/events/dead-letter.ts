import { createHash } from 'node:crypto';
import type { Rejection, SinkMessage } from '../ports.js';
import { type DeliveredEvent, positionId } from './delivered.js';
import { bounded } from './envelope.js';
import { defaultTenant, isTenant } from './schemas.js';
import { formatTime } from './time.js';

/** What is kept of an event that is too large to be passed on. */
const keptBytes = 64 * 1024;

/**
 * An event that cannot be accepted, with its bytes, its headers and the reason. The id is that of its place in
 * the source, so one that is sent again is known as the same.
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
  const tooLarge = rejection.reason === 'too_large';
  const detail = rejection.field === '' ? rejection.rule : `${rejection.field} ${rejection.rule}`;
  return {
    channel: 'dead-letters',
    id,
    tenant: event.tenant !== null && isTenant(event.tenant) ? event.tenant : defaultTenant,
    key: rejection.reason,
    headers: {
      ...event.headers,
      'dlq-id': headerText(id),
      'dlq-reason': rejection.reason,
      'dlq-detail': headerText(bounded(detail, 500)),
      'dlq-source-system': headerText(system),
      'dlq-source-position': headerText(position),
      'dlq-at': formatTime(at),
      ...(tooLarge ? largeness(event) : {}),
    },
    // A copy: a view would keep all of the large one in memory.
    body: tooLarge ? Uint8Array.from(event.body.subarray(0, keptBytes)) : event.body,
  };
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
