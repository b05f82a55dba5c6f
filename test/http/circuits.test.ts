import { describe, expect, it } from 'vitest';
import { makePairId } from '../../src/trust/pair.js';
import { interaction, now, post, startApi } from '../helpers/api.js';

const failures = (fields: object = {}, count = 2): object[] =>
  Array.from({ length: count }, () => interaction({ time: now, ...fields }));

describe('a pair over HTTP', () => {
  it('is shown as it is stored, and what follows from that now', async () => {
    let clock = now;
    const api = startApi({ clock: () => clock });
    await post(api, '/v1/interactions', failures());
    clock = now + 3_600;
    const response = await api.server.inject('/v1/pairs?agent_a=bob&agent_b=ann');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      analysis: null,
      tenant: 'default',
      threshold: 0.3,
      pair_id: makePairId('ann', 'bob'),
      agent_a: 'ann',
      agent_b: 'bob',
      circuit_state: 'OPEN',
      trust_score: 0.25,
      trust_score_now: expect.closeTo(0.2535, 3),
      should_terminate: true,
      alpha: 1,
      beta: 3,
      last_updated: now,
      interaction_count: 2,
      opened_at: null,
      recovers_at: expect.closeTo(now + 86_400 * Math.log2(1.5), 3),
      transition: expect.any(Number),
      policy: { name: 'default', version: 1 },
      enforced: true,
      opening: 'mean',
    });
  });

  it('under opening: change is shown with what it is judged by, and stops until its cooldown is over', async () => {
    let clock = now;
    const api = startApi({
      clock: () => clock,
      document: { default: { opening: 'change', recoveryCooldownSeconds: 60 } },
    });
    const events: unknown[] = [];
    api.circuits.subscribe(({ body }) => events.push(JSON.parse(Buffer.from(body).toString()).data));
    const shown = async () => (await api.server.inject('/v1/pairs?agent_a=bob&agent_b=ann')).json();
    await post(api, '/v1/interactions', failures({}, 5));
    expect(await shown()).toMatchObject({
      circuit_state: 'OPEN',
      should_terminate: true,
      recovers_at: now + 60,
      opening: 'change',
      change_evidence: 10_000,
      normal_rate: 0.1,
      failure_run: 5,
      explanation: '5 failures in a row where 10 % is usual',
    });
    clock = now + 60;
    expect(await shown()).toMatchObject({ should_terminate: false });
    expect(events).toMatchObject([{ opening: 'change', failure_run: 5 }]);
  });

  it('is under the policy that matches it', async () => {
    const policies = [
      { name: 'lenient', match: { tenant: 'blue' }, trust: { threshold: 0.1 }, enforced: false },
    ];
    const api = startApi({ document: { policies } });
    await post(api, '/v1/interactions', failures({ tenant: 'blue' }));
    const response = await api.server.inject('/v1/pairs?tenant=blue&agent_a=ann&agent_b=bob');
    expect(response.json()).toMatchObject({
      circuit_state: 'CLOSED',
      policy: { name: 'lenient', version: 1 },
      enforced: false,
    });
  });

  it('that is not known is a problem of its own', async () => {
    const api = startApi();
    await post(api, '/v1/interactions', failures());
    const response = await api.server.inject('/v1/pairs?tenant=blue&agent_a=ann&agent_b=bob');
    expect(response.statusCode).toBe(404);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.json()).toMatchObject({
      title: 'Unknown pair',
      detail: 'nothing is known of ann and bob in tenant blue',
    });
  });

  it('is not known any more after a reset', async () => {
    const api = startApi();
    await post(api, '/v1/interactions', failures());
    await post(api, '/v1/commands', { agent_a: 'ann', agent_b: 'bob', action: 'reset' });
    expect((await api.server.inject('/v1/pairs?agent_a=ann&agent_b=bob')).statusCode).toBe(404);
  });

  it.each([
    ['', 'agent_a is required'],
    ['agent_a=ann', 'agent_b is required'],
    ['agent_a=ann&agent_b=', 'agent_b must have 1 to 256 characters'],
    ['agent_a=ann&agent_a=eve&agent_b=bob', 'agent_a must be a string'],
    ['agent_a=ann&agent_b=bob&tenant=a%20b', 'tenant must be 1 to 64 of A-Z, a-z, 0-9, _ and -'],
    ['agent_a=a%00&agent_b=bob', 'agent_a must not hold control characters'],
  ])('is asked for by both names: %j is told "%s"', async (query, detail) => {
    const response = await startApi().server.inject(`/v1/pairs?${query}`);
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.json()).toMatchObject({ title: 'Bad query', detail });
  });
});

describe('the list of circuits', () => {
  it('holds those that are not closed', async () => {
    const api = startApi();
    expect((await api.server.inject('/v1/circuits')).json()).toEqual({ circuits: [] });
    await post(api, '/v1/interactions', [...failures(), interaction({ agent_a: 'cid', outcome: 'success' })]);
    await post(api, '/v1/commands', { agent_a: 'dan', agent_b: 'eve', action: 'terminate' });
    const { circuits } = (await api.server.inject('/v1/circuits')).json<{ circuits: object[] }>();
    expect(circuits).toHaveLength(2);
    expect(circuits).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ agent_a: 'ann', circuit_state: 'OPEN' }),
        expect.objectContaining({ agent_a: 'dan', circuit_state: 'TERMINATED', interaction_count: 0 }),
      ]),
    );
  });

  it('may be that of one tenant', async () => {
    const api = startApi();
    await post(api, '/v1/interactions', [...failures(), ...failures({ tenant: 'blue' })]);
    const { circuits } = (await api.server.inject('/v1/circuits?tenant=blue')).json<{ circuits: object[] }>();
    expect(circuits).toEqual([expect.objectContaining({ tenant: 'blue' })]);
    expect((await api.server.inject('/v1/circuits?tenant=red')).json()).toEqual({ circuits: [] });
  });

  it('is not asked for with a tenant that can be none', async () => {
    for (const url of ['/v1/circuits?tenant=', '/v1/circuits/stream?tenant=a.b']) {
      const response = await startApi().server.inject(url);
      expect([response.statusCode, response.json()]).toMatchObject([400, { title: 'Bad query' }]);
    }
  });
});
