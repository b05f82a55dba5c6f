import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainEnvelope, isPlainInteraction } from '../../src/events/plain.js';
import { envelopeSchema, interactionDataSchema } from '../../src/events/schemas.js';
import { least, structured } from '../helpers/delivered.js';
import { mutatedInputs } from '../helpers/mutated.js';

/** What a producer may put in a field, right and wrong. */
const values = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    ' ',
    'x'.repeat(256),
    'x'.repeat(257),
    '😀'.repeat(256),
    '\ud800',
  ),
  fc.constantFrom<unknown>(
    'a\u0000b',
    'success',
    'SUCCESS',
    '1.0',
    'team-1',
    'a b',
    0,
    -1,
    1,
    100,
    100.5,
    Number.POSITIVE_INFINITY,
    1.5,
  ),
  fc.constantFrom<unknown>(
    '2023-11-14T22:13:20Z',
    '2023-02-29T00:00:00Z',
    '0000-01-01T00:00:00+23:59',
    'now',
  ),
  fc.constantFrom<unknown>(true, [], {}, { a: 1 }, ['success'], '\u0085', '\u2028', 'é'),
);

const fieldsOf = (names: readonly string[]) =>
  fc.dictionary(fc.constantFrom(...names), values, { maxKeys: 3, noNullPrototype: true });

/** Plain means the same as right for the schema, which then reads the same in it. */
function agreesOnData(data: object): boolean {
  if (!isPlainInteraction(data)) return false;
  const { agent_a, agent_b, tenant, outcome, weight = 1 } = data;
  expect(interactionDataSchema.parse(data)).toMatchObject({ agent_a, agent_b, outcome, weight });
  expect(interactionDataSchema.parse(data).tenant).toBe(tenant);
  return true;
}

function agreesOnEnvelope(event: object): boolean {
  if (!isPlainEnvelope(event)) return false;
  const { specversion, id, source, type, time, datacontenttype, traceparent } = event;
  const attributes = { specversion, id, source, type, time, datacontenttype, traceparent };
  expect({ ...attributes, ...envelopeSchema.parse(event) }).toEqual(attributes);
  return true;
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

describe('a quick look at an event', () => {
  it('is enough for what most producers write', () => {
    expect(isPlainEnvelope(structured({ time: '2023-11-14T22:13:20.25Z' }))).toBe(true);
    expect(isPlainInteraction(least)).toBe(true);
    expect(
      isPlainInteraction({ ...least, tenant: 'blue', weight: 2, task: 't', content: 'é', more: 1 }),
    ).toBe(true);
  });

  it('takes no data that the schema refuses, whatever a field holds', () => {
    const names = Object.keys(interactionDataSchema.shape);
    fc.assert(
      fc.property(fieldsOf(names), (fields) => void agreesOnData({ ...least, ...fields })),
      {
        seed: 7,
        numRuns: 3_000,
      },
    );
  });

  it('takes no attributes that the schema refuses, whatever they hold', () => {
    const names = Object.keys(envelopeSchema.shape);
    fc.assert(
      fc.property(fieldsOf(names), (fields) => void agreesOnEnvelope({ ...structured(), ...fields })),
      {
        seed: 7,
        numRuns: 3_000,
      },
    );
  });

  it('takes no mutated input that the schemas refuse', () => {
    let plain = 0;
    for (const { body } of mutatedInputs(20_260_711, 4_000, 1_700_000_000)) {
      const event = parsed(body);
      if (!isObject(event)) continue;
      const { data } = event as { data?: unknown };
      const looks = [agreesOnEnvelope(event), agreesOnData(event), isObject(data) && agreesOnData(data)];
      if (looks.includes(true)) plain++;
    }
    expect(plain).toBeGreaterThan(500);
  });
});
