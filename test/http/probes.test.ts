import { describe, expect, it } from 'vitest';
import { type Api, interaction, now, post, startApi } from '../helpers/api.js';
import { until } from '../servers/until.js';

const path = '/v1/probes';

describe('a probe over HTTP', () => {
  /** An API whose pair ann, bob is half open, and the number of its circuit. */
  async function halfOpen(): Promise<{ readonly api: Api; readonly transition: number }> {
    let time = now;
    const api = startApi({ clock: () => time, document: { default: { recoveryCooldownSeconds: 10 } } });
    const numbers: number[] = [];
    api.circuits.subscribe(({ body }) => {
      const { data } = JSON.parse(Buffer.from(body).toString()) as {
        data: { transition: number; to: string };
      };
      if (data.to === 'HALF_OPEN') numbers.push(data.transition);
    });
    await post(api, '/v1/interactions', interaction({ weight: 3 }));
    time += 11;
    return { api, transition: await until('it is half open', async () => numbers[0]) };
  }
  const ask = (transition: number, holder: string, fields: object = {}) => ({
    agent_a: 'bob',
    agent_b: 'ann',
    transition,
    holder,
    ...fields,
  });

  it('is granted to one caller, who may renew it, until it lets go', async () => {
    const { api, transition } = await halfOpen();
    const answer = async (...asked: Parameters<typeof ask>) => (await post(api, path, ask(...asked))).json();
    const granted = { granted: true, lasts_ms: 30_000 };
    const refused = { granted: false, lasts_ms: 0 };
    expect(await answer(transition, 'one')).toEqual(granted);
    expect(await answer(transition, 'two')).toEqual(refused);
    expect(await answer(transition, 'one')).toEqual(granted);
    expect(await answer(transition, 'two', { release: true })).toEqual(refused);
    expect(await answer(transition, 'two')).toEqual(refused);
    expect(await answer(transition, 'one', { release: true })).toEqual(refused);
    expect(await answer(transition, 'two', { lasts_ms: 1_000 })).toEqual({ granted: true, lasts_ms: 1_000 });
  });

  it('is granted under the number of the circuit as it is alone', async () => {
    const { api, transition } = await halfOpen();
    for (const asked of [
      ask(transition - 1, 'one'),
      ask(transition + 1, 'one'),
      ask(transition, 'one', { tenant: 'other' }),
      ask(transition, 'one', { agent_b: 'eve' }),
    ])
      expect((await post(api, path, asked)).json()).toEqual({ granted: false, lasts_ms: 0 });
    await post(api, '/v1/interactions', interaction({ outcome: 'success', weight: 9 }));
    expect((await post(api, path, ask(transition, 'one'))).json()).toEqual({ granted: false, lasts_ms: 0 });
  });

  it.each([
    ['{', 'the body must be JSON in UTF-8'],
    [{ agent_b: 'b', transition: 1, holder: 'h' }, 'agent_a is required'],
    [ask(0, 'h'), 'transition must be above 0'],
    [ask(1, ''), 'holder must have 1 to 1024 characters'],
    [ask(1, 'h', { lasts_ms: 1 }), 'lasts_ms must be at least 1000'],
    [ask(1, 'h', { tenant: 'a b' }), 'tenant must be 1 to 64 of'],
  ])('refuses %j', async (body, detail) => {
    const response = await post(startApi(), path, body);
    expect(response.statusCode).toBe(400);
    expect(response.json<{ detail: string }>().detail).toContain(detail);
  });
});
