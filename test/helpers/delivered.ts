import type { DeliveredEvent } from '../../src/events/delivered.js';

/** When the broker took the events of {@link delivered}: 2023-11-14T22:13:20Z. */
export const receivedAt = 1_700_000_000;

/** The least that makes an interaction. */
export const least = { agent_a: 'ann', agent_b: 'bob', outcome: 'success' };

/** An event as a source delivers it. A body that is neither text nor bytes is sent as JSON. */
export function delivered(body: unknown, given: Partial<DeliveredEvent> = {}): DeliveredEvent {
  return {
    body: body instanceof Uint8Array ? body : Buffer.from(asText(body)),
    headers: {},
    tenant: null,
    position: { source: 'test', sequence: 7 },
    receivedAt,
    headerPrefix: 'ce-',
    ...given,
  };
}

function asText(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** A CloudEvent in structured mode. A field of `undefined` is left out. */
export function structured(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    specversion: '1.0',
    id: 'e-1',
    source: '/agents/ann',
    type: 'fulcrum.trust.interaction.v1',
    data: least,
    ...fields,
  };
}

/** The headers of a CloudEvent in binary mode. */
export function binary(
  fields: Record<string, string> = {},
  prefix: 'ce-' | 'ce_' = 'ce-',
): Record<string, string> {
  const attributes = { specversion: '1.0', id: 'e-1', source: '/agents/ann', ...fields };
  const typed = { type: 'fulcrum.trust.interaction.v1', ...attributes };
  return Object.fromEntries(Object.entries(typed).map(([name, value]) => [prefix + name, value]));
}
