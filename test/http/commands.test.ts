import { describe, expect, it } from 'vitest';
import { circuitEventSchema } from '../../src/events/schemas.js';
import { makePairId } from '../../src/trust/pair.js';
import { interaction, post, startApi } from '../helpers/api.js';
import { structured } from '../helpers/delivered.js';

const path = '/v1/commands';
const command = (action: string, fields: object = {}) => ({
  agent_a: 'ann',
  agent_b: 'bob',
  action,
  ...fields,
});

describe('a command over HTTP', () => {
  it('terminates a pair, and says which circuit event came of it', async () => {
    const api = startApi();
    const published: string[] = [];
    api.circuits.subscribe(({ body }) => published.push(Buffer.from(body).toString()));
    const response = await post(api, path, command('terminate', { actor: 'ops', reason: 'runaway' }));
    expect(response.statusCode).toBe(200);
    const answer = response.json<{ changed: boolean; events: unknown[] }>();
    expect(answer).toMatchObject({
      changed: true,
      events: [
        {
          type: 'fulcrum.trust.circuit.terminated.v1',
          data: {
            tenant: 'default',
            pair_id: makePairId('ann', 'bob'),
            from: 'CLOSED',
            to: 'TERMINATED',
            cause: { kind: 'operator', actor: 'ops', reason: 'runaway', event_id: expect.any(String) },
          },
        },
      ],
    });
    expect(circuitEventSchema.safeParse(answer.events[0]).success).toBe(true);
    expect(answer.events.map((event) => JSON.stringify(event))).toEqual(published);
  });

  it('that was given before changes nothing', async () => {
    const api = startApi();
    await post(api, path, command('terminate'));
    const again = await post(api, path, command('terminate'));
    expect([again.statusCode, again.json()]).toEqual([200, { changed: false, events: [] }]);
  });

  it('that is kept and not known to be applied is answered with 202', async () => {
    const api = startApi({ parts: { commands: async () => ({ kind: 'pending' }) } });
    const response = await post(api, path, command('terminate'));
    expect([response.statusCode, response.json()]).toEqual([
      202,
      { applied: false, changed: false, events: [] },
    ]);
  });

  it('resets a pair, which a pair that nobody knows does not notice', async () => {
    const api = startApi();
    expect((await post(api, path, command('reset', { agent_a: 'new' }))).json()).toEqual({
      changed: false,
      events: [],
    });
    await post(api, '/v1/interactions', [interaction(), interaction()]);
    expect((await post(api, path, command('reset'))).json()).toMatchObject({
      changed: true,
      events: [{ type: 'fulcrum.trust.circuit.reset.v1', data: { from: 'OPEN', to: 'CLOSED' } }],
    });
  });

  it('is for the tenant that it names, in whatever form', async () => {
    const api = startApi();
    const data = command('terminate', { tenant: 'blue' });
    const bare = await post(api, path, data);
    expect(bare.json()).toMatchObject({ events: [{ data: { tenant: 'blue' } }] });
    const type = 'fulcrum.trust.command.v1';
    const event = structured({ type, data: { ...data, agent_a: 'cid' } });
    const { events } = (await post(api, path, event)).json<{ events: { id: string }[] }>();
    expect(events).toMatchObject([{ data: { tenant: 'blue', agent_a: 'cid' } }]);
    expect(events[0]?.id).toMatch(/^blue\//);
  });

  it.each<[what: unknown, field: string, rule: string]>([
    [command('kill'), 'action', 'must be one of terminate, reset'],
    [{ agent_a: 'ann', action: 'reset' }, 'agent_b', 'is required'],
    [command('reset', { agent_a: '' }), 'agent_a', 'must have 1 to 256 characters'],
    [command('reset', { actor: 5 }), 'actor', 'must be a string'],
    [command('reset', { id: null }), 'id', 'must be a string'],
    [structured(), 'type', expect.stringContaining('must be fulcrum.trust.command.v1')],
  ])('that is none is told which field breaks which rule: %j', async (what, field, rule) => {
    const response = await post(startApi(), path, what as object);
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.json()).toMatchObject({
      title: 'The command was not accepted',
      errors: [{ index: 0, field, rule }],
    });
  });

  it.each<[what: string, body: string | Buffer, title: string]>([
    ['nothing', '', 'Not JSON'],
    ['half an object', '{"agent_a"', 'Not JSON'],
    ['a name in another encoding', Buffer.from('{"agent_a":"caf\xe9"}', 'latin1'), 'Not JSON'],
    ['depth', `{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 'Not JSON'],
    ['an array', '[]', 'Not a command'],
    ['null', 'null', 'Not a command'],
    ['text', '"reset"', 'Not a command'],
  ])('must be one JSON object, and not %s', async (_, body, title) => {
    const response = await post(startApi(), path, body);
    expect([response.statusCode, response.json()]).toMatchObject([400, { title }]);
  });

  it('that is refused is not also a dead letter', async () => {
    const api = startApi();
    await post(api, path, command('kill'));
    expect(api.deadLetters).toEqual([]);
  });
});
