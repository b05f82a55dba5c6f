import { describe, expect, it } from 'vitest';
import { type DeliveredEvent, defaultLimits } from '../../src/events/delivered.js';
import { decodeInteraction } from '../../src/events/interaction.js';
import { binary, delivered, least, structured } from '../helpers/delivered.js';

const decode = (body: unknown, given: Partial<DeliveredEvent> = {}) =>
  decodeInteraction(delivered(body, given), defaultLimits);

const name = 'must have 1 to 256 characters';
const id = 'must have 1 to 1024 characters';
const control = 'must not hold control characters';
const unicode = 'must be well-formed Unicode';
const weight = 'must be a number > 0 and <= 100';
const outcome = 'must be one of success, failure, partial';
const tenant = 'must be 1 to 64 of A-Z, a-z, 0-9, _ and -';
const flat = 'must be a flat object of at most 32 strings, numbers, booleans or nulls';
const json = 'must be JSON (application/json or …+json)';
const numbered = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, index]));

/** What is wrong in a bare object, the field, and the rule. */
const badFields: readonly (readonly [what: object, field: string, rule: string])[] = [
  [{ agent_a: undefined }, 'agent_a', 'is required'],
  [{ agent_b: undefined }, 'agent_b', 'is required'],
  [{ agent_a: 5 }, 'agent_a', 'must be a string'],
  [{ agent_a: null }, 'agent_a', 'must be a string'],
  [{ agent_b: ['bob'] }, 'agent_b', 'must be a string'],
  [{ agent_a: '' }, 'agent_a', name],
  [{ agent_b: 'x'.repeat(257) }, 'agent_b', name],
  [{ agent_b: '😀'.repeat(257) }, 'agent_b', name],
  [{ agent_a: 'a\u0000b' }, 'agent_a', control],
  [{ agent_a: 'a\nb' }, 'agent_a', control],
  [{ agent_a: 'a\u0085b' }, 'agent_a', control],
  [{ agent_b: 'a\ud800b' }, 'agent_b', unicode],
  [{ agent_b: '\udc00' }, 'agent_b', unicode],
  [{ outcome: undefined }, 'outcome', 'is required'],
  [{ outcome: 'SUCCESS' }, 'outcome', outcome],
  [{ outcome: 1 }, 'outcome', outcome],
  [{ outcome: null }, 'outcome', outcome],
  [{ tenant: '' }, 'tenant', tenant],
  [{ tenant: 'a.b' }, 'tenant', tenant],
  [{ tenant: 'x'.repeat(65) }, 'tenant', tenant],
  [{ tenant: 'café' }, 'tenant', tenant],
  [{ tenant: 7 }, 'tenant', 'must be a string'],
  [{ session_id: '' }, 'session_id', name],
  [{ session_id: 'a\tb' }, 'session_id', control],
  [{ session_id: 4 }, 'session_id', 'must be a string'],
  [{ task: {} }, 'task', 'must be a string'],
  [{ content: 4 }, 'content', 'must be a string'],
  [{ weight: 0 }, 'weight', weight],
  [{ weight: -1 }, 'weight', weight],
  [{ weight: 100.5 }, 'weight', weight],
  [{ weight: '1' }, 'weight', weight],
  [{ weight: null }, 'weight', weight],
  [{ probe: 1.5 }, 'probe', 'must be a whole number'],
  [{ probe: '3' }, 'probe', 'must be a whole number'],
  [{ probe: -1 }, 'probe', 'must not be negative'],
  [{ attributes: [] }, 'attributes', flat],
  [{ attributes: 'x' }, 'attributes', flat],
  [{ attributes: numbered(33) }, 'attributes', flat],
  [{ attributes: { nested: {} } }, 'attributes.nested', flat],
  [{ attributes: { list: [1] } }, 'attributes.list', flat],
  [{ id: 5 }, 'id', 'must be a string'],
  [{ id: null }, 'id', 'must be a string'],
  [{ id: '' }, 'id', id],
  [{ id: 'x'.repeat(1_025) }, 'id', id],
  [{ id: 'a\nb' }, 'id', control],
  [{ id: '\ud83d' }, 'id', unicode],
];

/** What is wrong in the envelope of a structured CloudEvent. */
const badEnvelopes: readonly (readonly [what: object, field: string, rule: string])[] = [
  [{ specversion: '0.3' }, 'specversion', 'must be "1.0"'],
  [{ specversion: 1 }, 'specversion', 'must be "1.0"'],
  [{ id: undefined }, 'id', 'is required'],
  [{ id: 4 }, 'id', 'must be a string'],
  [{ id: '' }, 'id', id],
  [{ source: undefined }, 'source', 'is required'],
  [{ source: '' }, 'source', id],
  [{ source: 'a\nb' }, 'source', control],
  [{ type: undefined }, 'type', 'is required'],
  [{ type: 4 }, 'type', 'must be a string'],
  [{ datacontenttype: 'text/xml' }, 'datacontenttype', json],
  [{ datacontenttype: 5 }, 'datacontenttype', 'must be a string'],
  [{ traceparent: 5 }, 'traceparent', 'must be a string'],
  [{ data: undefined }, 'data', 'is required'],
  [{ data: null }, 'data', 'must be a JSON object'],
  [{ data: [least] }, 'data', 'must be a JSON object'],
  [{ data: 'text' }, 'data', 'must be a JSON object'],
  [{ data: undefined, data_base64: 5 }, 'data', 'is required'],
  [{ data: undefined, data_base64: 'WzFd' }, 'data', 'must be a JSON object'],
  [{ data: {} }, 'data.agent_a', 'is required'],
  [{ data: { ...least, weight: 0 } }, 'data.weight', weight],
  [{ data: { ...least, attributes: { a: [] } } }, 'data.attributes.a', flat],
];

const show = (what: object): string =>
  JSON.stringify(what, (_, value: unknown) => (value === undefined ? '(absent)' : value)).slice(0, 60);

describe('an interaction says which field breaks which rule', () => {
  it.each(badFields.map(([what, field, rule]) => [show(what), what, field, rule] as const))(
    'bare: %s',
    (_, what, field, rule) => {
      expect(decode({ ...least, ...what })).toEqual({ reason: 'invalid_event', field, rule });
    },
  );

  it.each(badEnvelopes.map(([what, field, rule]) => [show(what), what, field, rule] as const))(
    'structured: %s',
    (_, what, field, rule) => {
      expect(decode(structured({ ...what }))).toEqual({ reason: 'invalid_event', field, rule });
    },
  );

  it.each([
    ['specversion', '0.3', 'must be "1.0"'],
    ['id', '', id],
    ['id', 'a%0Ab', control],
    ['source', '', id],
  ])('binary: ce-%s of %j', (attribute, value, rule) => {
    const headers = binary({ [attribute]: value });
    expect(decode(least, { headers })).toEqual({ reason: 'invalid_event', field: `ce-${attribute}`, rule });
  });

  it('names the header prefix of the source', () => {
    const headers = binary({ id: '' }, 'ce_');
    expect(decode(least, { headers, headerPrefix: 'ce_' })).toMatchObject({ field: 'ce_id' });
  });

  it('says that the content type of binary data is not JSON', () => {
    const headers = { ...binary(), 'content-type': 'text/plain' };
    expect(decode(least, { headers })).toEqual({
      reason: 'invalid_event',
      field: 'content-type',
      rule: json,
    });
  });

  it('names the data of a binary event as that of a structured one', () => {
    const headers = binary();
    expect(decode([least], { headers })).toMatchObject({ field: 'data', rule: 'must be a JSON object' });
    expect(decode({}, { headers })).toMatchObject({ field: 'data.agent_a', rule: 'is required' });
    expect(decode(structured(), { headers })).toMatchObject({ field: 'data.agent_a', rule: 'is required' });
  });

  it('takes 32 attributes', () => {
    expect(decode({ ...least, attributes: numbered(32) })).toMatchObject({ agentA: 'ann' });
  });

  it.each(['null', 'true', '1', '"text"', '[]'])('must be an object: %s', (text) => {
    const rule = 'must be a JSON object';
    expect(decode(text)).toEqual({ reason: 'invalid_event', field: '', rule });
  });

  it.each(['', ' ', '{"agent_a":', '{"weight":NaN}', "{'agent_a':1}", '\u0000'])(
    'must be JSON: %j',
    (text) => {
      const rule = expect.stringMatching(/^must be JSON: Unexpected|^must be JSON: Expected/);
      expect(decode(text)).toEqual({ reason: 'invalid_json', field: '', rule });
    },
  );

  it('must be UTF-8', () => {
    const latin1 = Buffer.from(JSON.stringify({ ...least, agent_a: 'café' }), 'latin1');
    expect(decode(latin1)).toEqual({ reason: 'invalid_json', field: '', rule: 'must be UTF-8' });
  });

  it('must have data_base64 that holds JSON', () => {
    const event = structured({ data: undefined, data_base64: Buffer.from('{').toString('base64') });
    expect(decode(event)).toMatchObject({ reason: 'invalid_json', field: 'data_base64' });
  });

  it('never says more than a few hundred characters, and says them in well-formed Unicode', () => {
    const type = `x${'😀'.repeat(1_000)}`;
    const decoded = decode(structured({ type })) as { rule: string };
    expect(decoded.rule.length).toBeLessThan(400);
    expect(decoded.rule.isWellFormed()).toBe(true);
    expect((decode('😀') as { rule: string }).rule.isWellFormed()).toBe(true);
  });

  it('must have the one type that interactions have', () => {
    const rule = 'must be fulcrum.trust.interaction.v1, got "order.placed"';
    expect(decode(structured({ type: 'order.placed' }))).toEqual({
      reason: 'unsupported_type',
      field: 'type',
      rule,
    });
    expect(decode(least, { headers: binary({ type: 'order.placed' }) })).toEqual({
      reason: 'unsupported_type',
      field: 'ce-type',
      rule,
    });
  });

  it('must not be longer than the limit, which a limit of another size moves', () => {
    const padded = (bytes: number): string => JSON.stringify(least).padEnd(bytes);
    expect(decode(padded(262_144))).toMatchObject({ agentA: 'ann' });
    expect(decode(padded(262_145))).toEqual({
      reason: 'too_large',
      field: '',
      rule: 'must have at most 262144 bytes, has 262145',
    });
    const small = { ...defaultLimits, maxEventBytes: 100 };
    expect(decodeInteraction(delivered(padded(101)), small)).toMatchObject({
      rule: 'must have at most 100 bytes, has 101',
    });
  });
});
