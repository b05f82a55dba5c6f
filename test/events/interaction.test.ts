import { describe, expect, it } from 'vitest';
import { type DeliveredEvent, defaultLimits } from '../../src/events/delivered.js';
import { isRejection } from '../../src/events/envelope.js';
import { type AcceptedInteraction, decodeInteraction } from '../../src/events/interaction.js';
import { makePairId } from '../../src/trust/pair.js';
import { binary, delivered, least, receivedAt, structured } from '../helpers/delivered.js';

const decode = (event: DeliveredEvent) => decodeInteraction(event, defaultLimits);

function accepted(body: unknown, given: Partial<DeliveredEvent> = {}): AcceptedInteraction {
  const decoded = decode(delivered(body, given));
  if (isRejection(decoded)) throw new Error(`refused: ${JSON.stringify(decoded)}`);
  return decoded;
}

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const whole: AcceptedInteraction = {
  policy: 0,
  tenant: 'default',
  pairId: makePairId('ann', 'bob'),
  agentA: 'ann',
  agentB: 'bob',
  outcome: 'success',
  time: receivedAt,
  weight: 1,
  eventId: 'e-1',
  duplicateKey: '/agents/ann\ne-1',
  position: { source: 'test', sequence: 7 },
  traceparent: null,
};

describe('a CloudEvent in structured mode', () => {
  it.each([
    ['application/cloudevents+json'],
    ['application/cloudevents+json; charset=utf-8'],
    ['Application/CloudEvents+JSON'],
  ])('is known by its content type %s', (contentType) => {
    expect(accepted(structured(), { headers: { 'content-type': contentType } })).toEqual(whole);
  });

  it('is known by its specversion alone, whatever the content type says', () => {
    for (const headers of [{}, { 'content-type': 'application/json' }, { 'content-type': 'text/plain' }])
      expect(accepted(structured(), { headers })).toEqual(whole);
  });

  it('may carry its data as base64', () => {
    const base64 = Buffer.from(JSON.stringify(least)).toString('base64');
    expect(accepted(structured({ data: undefined, data_base64: base64 }))).toEqual(whole);
  });

  it('may say null for an attribute that it does not have', () => {
    const unset = { time: null, datacontenttype: null, traceparent: null, subject: null };
    expect(accepted(structured(unset))).toEqual(whole);
  });

  it('passes its traceparent on, or that of the message', () => {
    expect(accepted(structured({ traceparent })).traceparent).toBe(traceparent);
    expect(accepted(structured(), { headers: { traceparent } }).traceparent).toBe(traceparent);
  });
});

describe('a CloudEvent in binary mode', () => {
  it.each(['ce-', 'ce_'] as const)('has its attributes in headers that begin with %s', (headerPrefix) => {
    const headers = binary({ time: '2023-11-14T22:13:00Z' }, headerPrefix);
    expect(accepted(least, { headers, headerPrefix })).toEqual({ ...whole, time: receivedAt - 20 });
  });

  it.each([
    ['ce-', 'ce_'],
    ['ce_', 'ce-'],
  ] as const)('is not made by the headers of another binding: to %s, %s says nothing', (own, other) => {
    const event = accepted(least, { headers: binary({}, other), headerPrefix: own });
    expect(event).toEqual({ ...whole, eventId: 'test/7', duplicateKey: null });
  });

  it('goes by the headers of its own binding when it has those of both', () => {
    const headers = { ...binary({ id: 'own' }, 'ce_'), ...binary({ id: 'other' }, 'ce-') };
    expect(accepted(least, { headers, headerPrefix: 'ce_' }).eventId).toBe('own');
  });

  it('has its headers percent-decoded', () => {
    const headers = binary({ id: 'caf%C3%A9%20%F0%9F%98%80', source: '/a%25b' });
    expect(accepted(least, { headers })).toMatchObject({
      eventId: 'café 😀',
      duplicateKey: '/a%b\ncafé 😀',
    });
  });

  it('keeps a header that only looks percent-encoded as it is', () => {
    expect(accepted(least, { headers: binary({ id: '100%' }) }).eventId).toBe('100%');
  });

  it('passes its traceparent on, or that of the message', () => {
    expect(accepted(least, { headers: binary({ traceparent }) }).traceparent).toBe(traceparent);
    expect(accepted(least, { headers: { ...binary(), traceparent } }).traceparent).toBe(traceparent);
  });

  it.each(['application/json', 'application/json; charset=utf-8', 'application/vnd.fleet+json'])(
    'takes data of content type %s',
    (type) => {
      expect(accepted(least, { headers: { ...binary(), 'content-type': type } })).toEqual(whole);
    },
  );

  it('is structured all the same when its content type says so', () => {
    const headers = { ...binary({ id: 'header' }), 'content-type': 'application/cloudevents+json' };
    expect(accepted(structured({ id: 'body' }), { headers }).eventId).toBe('body');
  });
});

describe('a bare object', () => {
  it('is the data alone, named by where it lies', () => {
    expect(accepted(least)).toEqual({ ...whole, eventId: 'test/7', duplicateKey: null });
  });

  it('may have an id, by which a repeat of it is known', () => {
    expect(accepted({ ...least, id: 'mine' })).toMatchObject({ eventId: 'mine', duplicateKey: '\nmine' });
  });

  it('passes on the traceparent of the message, and only one that is one', () => {
    expect(accepted(least, { headers: { traceparent } }).traceparent).toBe(traceparent);
    expect(accepted(least, { headers: { traceparent: 'no; trace' } }).traceparent).toBeNull();
  });

  it('may begin with a byte order mark', () => {
    expect(accepted(`\uFEFF${JSON.stringify(least)}`).agentA).toBe('ann');
  });
});

describe('data', () => {
  it('may say all there is to say', () => {
    const event = accepted({
      ...least,
      tenant: 'team-1',
      outcome: 'partial',
      session_id: 's-1',
      task: 'translate',
      content: 'line\nline',
      weight: 2.5,
      probe: 3,
      attributes: { model: 'm', tokens: 12, cached: true, parent: null },
    });
    expect(event).toMatchObject({ tenant: 'team-1', outcome: 'partial', weight: 2.5, probe: 3 });
  });

  it('counts once where it does not say how much', () => {
    expect(accepted(least).weight).toBe(1);
  });

  it('may have fields that nobody knows, which change nothing', () => {
    const unknown = '"__proto__":{"agent_a":"eve"},"constructor":1,"toString":null,"new":[[]]';
    const text = `{"agent_a":"ann","agent_b":"bob","outcome":"success",${unknown}}`;
    expect(accepted(text)).toEqual({ ...whole, eventId: 'test/7', duplicateKey: null });
    expect(accepted(structured({ extension: 'x', data: { ...least, more: {} } }))).toEqual(whole);
  });

  it('may name the same agent twice', () => {
    expect(accepted({ ...least, agent_b: 'ann' }).pairId).toBe(makePairId('ann', 'ann'));
  });

  it('takes names and ids by code points, not by units', () => {
    const name = '😀'.repeat(256);
    const id = '😀'.repeat(1_024);
    expect(accepted({ ...least, agent_a: name, id })).toMatchObject({ agentA: name, eventId: id });
  });
});

describe('the tenant', () => {
  it('is the one that the data names where the subject names none', () => {
    expect(accepted({ ...least, tenant: 'blue' }).tenant).toBe('blue');
    expect(accepted(least).tenant).toBe('default');
  });

  it('is that of the subject, which the data may repeat', () => {
    expect(accepted(least, { tenant: 'blue' }).tenant).toBe('blue');
    expect(accepted({ ...least, tenant: 'blue' }, { tenant: 'blue' }).tenant).toBe('blue');
  });

  it.each(['', 'a b', 'café', 'x'.repeat(65), 'a%2Eb', '$JS'])(
    'is refused when the subject names %j',
    (tenant) => {
      const rejection = {
        reason: 'invalid_event',
        field: 'subject',
        rule: expect.stringMatching(/^names a tenant that must be 1 to 64 of A-Z, a-z, 0-9, _ and -, got "/),
      };
      expect(decode(delivered(least, { tenant }))).toEqual(rejection);
    },
  );

  it('is refused when the data names another one than the subject', () => {
    const rule = 'must be red, the tenant of its subject';
    const data = { ...least, tenant: 'blue' };
    expect(decode(delivered(data, { tenant: 'red' }))).toEqual({
      reason: 'tenant_mismatch',
      field: 'tenant',
      rule,
    });
    expect(decode(delivered(structured({ data }), { tenant: 'red' }))).toEqual({
      reason: 'tenant_mismatch',
      field: 'data.tenant',
      rule,
    });
  });
});
