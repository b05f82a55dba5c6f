import { describe, expect, it } from 'vitest';
import { type Api, interaction, post, startApi } from '../helpers/api.js';
import { LeavingStore } from '../helpers/leaving-store.js';

const path = '/v1/interactions';

async function countOf({ server }: Api): Promise<unknown> {
  const response = await server.inject('/v1/pairs?agent_a=ann&agent_b=bob');
  return response.json<Record<string, unknown>>()['interaction_count'];
}

function expectNotNow(response: Awaited<ReturnType<typeof post>>, detail: string): void {
  expect(response.statusCode).toBe(503);
  expect(response.headers['retry-after']).toBe('1');
  expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(response.json()).toEqual({
    type: 'about:blank',
    status: 503,
    title: 'Not now',
    detail: `${detail}. Send them again, with the same ids.`,
  });
}

describe('while the store is away', () => {
  it('an answer says that it does not know, and what is wrong', async () => {
    const store = new LeavingStore();
    store.away = true;
    const api = startApi({ store, limits: { answerWithinMs: 20 } });
    expectNotNow(
      await post(api, path, interaction()),
      'the events are not applied yet: cannot apply interactions',
    );
  });

  it('events that are sent again with the same ids count once when it is back', async () => {
    const store = new LeavingStore();
    store.away = true;
    const api = startApi({ store, limits: { answerWithinMs: 20 } });
    const events = [interaction({ id: 'e-1' }), interaction({ id: 'e-2' })];
    for (let attempt = 0; attempt < 3; attempt++)
      expect((await post(api, path, events)).statusCode).toBe(503);
    store.away = false;
    await expect.poll(async () => (await post(api, path, events)).statusCode).toBe(202);
    expect(await countOf(api)).toBe(2);
  });

  it('a command is answered so too, and changes the circuit once when it is back', async () => {
    const store = new LeavingStore();
    store.away = true;
    const api = startApi({ store, limits: { answerWithinMs: 20 } });
    const command = { agent_a: 'ann', agent_b: 'bob', action: 'terminate', id: 'c-1' };
    expectNotNow(
      await post(api, '/v1/commands', command),
      'the events are not applied yet: cannot apply a command',
    );
    store.away = false;
    await expect
      .poll(async () => (await post(api, '/v1/commands', command)).json())
      .toEqual({
        changed: false,
        events: [],
      });
  });

  it('too many waiting events are told at once, and nothing more is taken in', async () => {
    const store = new LeavingStore();
    store.away = true;
    const api = startApi({ store, limits: { answerWithinMs: 20, maxBacklogBytes: 10 } });
    // The first is being tried, the second waits for it.
    await post(api, path, interaction({ id: 'e-1' }));
    await post(api, path, interaction({ id: 'e-2' }));
    const waiting = api.interactions.backlogBytes;
    expect(waiting).toBeGreaterThan(10);
    expectNotNow(
      await post(api, path, interaction({ id: 'e-3' })),
      'too many events are waiting to be applied',
    );
    expect(api.interactions.backlogBytes).toBe(waiting);
    store.away = false;
    await expect.poll(async () => (await post(api, path, interaction({ id: 'e-3' }))).statusCode).toBe(202);
    expect(await countOf(api)).toBe(3);
  });
});

describe('when it takes too long', () => {
  it('an answer says so, though nothing is wrong', async () => {
    const interactions = { backlogBytes: 0, send: () => Promise.resolve() };
    const api = startApi({ parts: { interactions }, limits: { answerWithinMs: 1 } });
    expectNotNow(await post(api, path, interaction()), 'the events are not applied yet: it takes too long');
  });
});

describe('when nothing is taken in any more', () => {
  it('an answer says so at once', async () => {
    const api = startApi();
    await api.processor.stop();
    expectNotNow(await post(api, path, interaction()), 'the events were not taken: interactions is closed');
  });
});
