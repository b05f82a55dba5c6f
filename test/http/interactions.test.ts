import { describe, expect, it } from 'vitest';
import { mostEvents } from '../../src/http/split.js';
import type { Api } from '../helpers/api.js';
import { interaction, ndjson, now, post, startApi } from '../helpers/api.js';
import { binary, structured } from '../helpers/delivered.js';

const path = '/v1/interactions';
const nothingRejected = (accepted: number) => ({ accepted, rejected: [] });

/** How many interactions of ann and bob count. */
async function countOf({ server }: Api, tenant = 'default'): Promise<number> {
  const query = { tenant, agent_a: 'ann', agent_b: 'bob' };
  const response = await server.inject({ url: '/v1/pairs', query });
  return response.statusCode === 404 ? 0 : response.json<{ interaction_count: number }>().interaction_count;
}

describe('interactions over HTTP', () => {
  it('may be one, which is applied when it is answered', async () => {
    const api = startApi();
    const response = await post(api, path, interaction());
    expect(response.statusCode).toBe(202);
    expect(response.headers['content-type']).toMatch(/^application\/json/);
    expect(response.json()).toEqual(nothingRejected(1));
    expect(await countOf(api)).toBe(1);
  });

  it('may be an array', async () => {
    const api = startApi();
    const response = await post(api, path, ` \n${JSON.stringify([interaction(), interaction()])}`);
    expect(response.json()).toEqual(nothingRejected(2));
    expect(await countOf(api)).toBe(2);
  });

  it.each(['application/x-ndjson', 'application/ndjson', 'application/jsonl; charset=utf-8'])(
    'may be one a line, as %s',
    async (type) => {
      const api = startApi();
      const text = `\n${ndjson(interaction(), interaction())}\r\n \n${JSON.stringify(interaction())}`;
      const response = await post(api, path, text, { 'content-type': type });
      expect(response.json()).toEqual(nothingRejected(3));
      expect(await countOf(api)).toBe(3);
    },
  );

  it('may be a CloudEvent in structured mode', async () => {
    const api = startApi();
    const headers = { 'content-type': 'application/cloudevents+json' };
    expect((await post(api, path, structured(), headers)).json()).toEqual(nothingRejected(1));
    expect((await post(api, path, structured({ id: 'e-2' }))).json()).toEqual(nothingRejected(1));
    expect(await countOf(api)).toBe(2);
  });

  it('may be CloudEvents in a batch, or one a line', async () => {
    const api = startApi();
    const events = [structured({ id: 'e-1' }), structured({ id: 'e-2' })];
    const batch = { 'content-type': 'application/cloudevents-batch+json' };
    expect((await post(api, path, events, batch)).json()).toEqual(nothingRejected(2));
    const lines = { 'content-type': 'application/x-ndjson' };
    expect((await post(api, path, ndjson(structured({ id: 'e-3' })), lines)).json()).toEqual(
      nothingRejected(1),
    );
    expect(await countOf(api)).toBe(3);
  });

  it('may be a CloudEvent in binary mode', async () => {
    const api = startApi();
    const headers = { ...binary({ id: 'caf%C3%A9' }), 'content-type': 'application/json' };
    expect((await post(api, path, interaction(), headers)).json()).toEqual(nothingRejected(1));
    expect((await post(api, path, structured({ id: 'café' }))).json()).toEqual(nothingRejected(1));
    // Both have one source and one id: they are one event.
    expect(await countOf(api)).toBe(1);
  });

  it.each<[string, Record<string, string>]>([
    ['none', {}],
    ['what curl -d says', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['text', { 'content-type': 'text/plain' }],
  ])('may be of any content type when they are JSON: %s', async (_, headers) => {
    const api = startApi();
    expect((await post(api, path, interaction(), headers)).json()).toEqual(nothingRejected(1));
  });

  it('count once under one id, however often they are sent', async () => {
    const api = startApi();
    for (let attempt = 0; attempt < 3; attempt++)
      expect((await post(api, path, [interaction({ id: 'x' }), interaction({ id: 'x' })])).json()).toEqual(
        nothingRejected(2),
      );
    expect(await countOf(api)).toBe(1);
  });

  it('are of the tenant that they name', async () => {
    const api = startApi();
    await post(api, path, interaction({ tenant: 'blue' }));
    expect([await countOf(api), await countOf(api, 'blue')]).toEqual([0, 1]);
  });
});

describe('interactions that are refused over HTTP', () => {
  it('are listed by their place, and the others are taken', async () => {
    const api = startApi();
    const response = await post(api, path, [
      interaction(),
      interaction({ agent_a: '' }),
      interaction(),
      interaction({ time: now + 301 }),
      7,
    ]);
    expect(response.statusCode).toBe(202);
    const name = 'must have 1 to 256 characters';
    const future = 'must not lie more than 300 s after it was received';
    expect(response.json()).toEqual({
      accepted: 2,
      rejected: [
        { index: 1, reason: 'invalid_event', field: 'agent_a', rule: name },
        { index: 3, reason: 'time_in_future', field: 'time', rule: future },
        { index: 4, reason: 'invalid_event', field: '', rule: 'must be a JSON object' },
      ],
    });
    expect(await countOf(api)).toBe(2);
  });

  it('are a problem when none is taken', async () => {
    const response = await post(startApi(), path, [interaction({ outcome: 'won' }), {}]);
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    const rule = 'must be one of success, failure, partial';
    expect(response.json()).toEqual({
      type: 'about:blank',
      status: 400,
      title: 'No event was accepted',
      detail: `outcome ${rule}`,
      errors: [
        { index: 0, reason: 'invalid_event', field: 'outcome', rule },
        { index: 1, reason: 'invalid_event', field: 'agent_a', rule: 'is required' },
      ],
    });
  });

  it('are not also dead letters', async () => {
    const api = startApi();
    await post(api, path, [interaction(), {}, null]);
    await post(api, path, 'nonsense');
    expect(api.deadLetters).toEqual([]);
  });

  it.each<[what: string, body: string | Buffer, reason: string, rule: RegExp]>([
    ['an empty body', '', 'invalid_json', /Unexpected end/],
    ['white space', ' \n', 'invalid_json', /Unexpected end/],
    ['half an object', '{"agent_a":', 'invalid_json', /must be JSON/],
    ['half an array', '[{}', 'invalid_json', /must be JSON in UTF-8/],
    ['bytes that are no text', Buffer.from([0x7b, 0xff, 0x7d]), 'invalid_json', /must be UTF-8/],
    ['an array of bytes that are no text', Buffer.from([0x5b, 0xff, 0x5d]), 'invalid_json', /UTF-8/],
    ['a number', '1', 'invalid_event', /must be a JSON object/],
    ['an event over the limit', JSON.stringify(interaction()).padEnd(300_000), 'too_large', /at most 262144/],
  ])('are told why: %s', async (_, body, reason, rule) => {
    const response = await post(startApi(), path, body);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      errors: [{ index: 0, reason, rule: expect.stringMatching(rule) }],
    });
  });

  it.each<[what: string, body: string, type: string]>([
    ['an empty array', '[]', 'application/json'],
    ['an array of white space', ' [ \n ] ', 'application/json'],
    ['no line', '', 'application/x-ndjson'],
    ['empty lines', '\n\r\n \n', 'application/x-ndjson'],
  ])('are none at all: %s', async (_, body, type) => {
    const response = await post(startApi(), path, body, { 'content-type': type });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({ title: 'No event', detail: 'the body holds no event' });
  });

  it('must be an array when they say that they are a batch', async () => {
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    expect((await post(startApi(), path, structured(), headers)).json()).toMatchObject({
      detail: 'must be an array of events',
    });
  });

  it('may be nested however deeply: that one is refused', async () => {
    const deep = `{"agent_a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    const response = await post(startApi(), path, `[${deep},${JSON.stringify(interaction())}]`);
    expect(response.json()).toEqual({
      accepted: 1,
      rejected: [{ index: 0, reason: 'invalid_event', field: '', rule: 'must not be nested this deeply' }],
    });
    expect((await post(startApi(), path, `[${deep}]`)).statusCode).toBe(400);
  });

  it.each([
    ['an array', `[${'0,'.repeat(mostEvents)}0]`, 'application/json'],
    ['lines', '0\n'.repeat(mostEvents + 1), 'application/x-ndjson'],
  ])('must not be more than one request can hold: %s', async (_, body, type) => {
    const response = await post(startApi(), path, body, { 'content-type': type });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      errors: [{ index: 0, reason: 'too_large', field: '', rule: 'must hold at most 10000 events' }],
    });
  });
});
