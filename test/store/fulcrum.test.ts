import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FulcrumStore, type FulcrumStoreOptions, TrustManager, TrustOutcome } from '../../src/index.js';
import { until } from '../servers/until.js';

interface Posted {
  readonly url: string;
  readonly key: string | undefined;
  readonly body: Record<string, unknown>;
}

type Answering = (posted: Posted, response: ServerResponse) => void;

const taken: Answering = (_posted, response) => void response.writeHead(202).end('{}');

/** A server that writes down what is posted to it, and answers as it is told to. */
async function startServer(answer: Answering = taken) {
  const posted: Posted[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const key = request.headers['x-api-key'];
    posted.push({ url: request.url ?? '', key: String(key), body: JSON.parse(text) });
    answer(posted.at(-1) as Posted, response);
  });
  const listen = (port: number) =>
    new Promise<number>((resolve) =>
      server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
    );
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const port = await listen(0);
  onTestFinished(stop);
  return { posted, port, url: `http://127.0.0.1:${port}`, stop, listen };
}

function managerOn(options: Partial<FulcrumStoreOptions> & { baseUrl: string }) {
  const store = new FulcrumStore({ apiKey: 'secret', ...options });
  onTestFinished(() => store.close());
  return { store, tm: new TrustManager({ store, clock: () => 1_700_000_000 }) };
}

describe('FulcrumStore', () => {
  it('tells the server of each change as the Python package does', async () => {
    const { posted, url } = await startServer();
    const { store, tm } = managerOn({ baseUrl: `${url}/fulcrum/`, tenantId: 'acme' });
    const state = await tm.evaluate('a', 'b', TrustOutcome.FAILURE);
    expect(await store.flush()).toBe(true);
    expect(posted).toEqual([
      {
        url: '/fulcrum/api/trust/events',
        key: 'secret',
        body: {
          tenant_id: 'acme',
          pair_id: state.pairId,
          event_type: 'TRUST_STATE_UPDATED',
          trust_score: 1 / 3,
          payload: {
            state: {
              pair_id: state.pairId,
              agent_a: 'a',
              agent_b: 'b',
              alpha: 1,
              beta_val: 2,
              last_updated: 1_700_000_000,
              interaction_count: 1,
              circuit_state: 'CLOSED',
              opened_at: null,
            },
          },
        },
      },
    ]);
    expect(store.counts).toEqual({ shipped: 1, queued: 0, dropped: 0, refused: 0 });
  });

  it('leaves the tenant out where it is not told one', async () => {
    const { posted, url } = await startServer();
    const { store, tm } = managerOn({ baseUrl: url });
    await tm.evaluate('a', 'b', TrustOutcome.SUCCESS);
    await store.flush();
    expect(posted[0]?.body).not.toHaveProperty('tenant_id');
  });

  it('tells of a terminate; a reset leaves nothing to tell', async () => {
    const { posted, url } = await startServer();
    const { store, tm } = managerOn({ baseUrl: url });
    await tm.terminate('a', 'b');
    await tm.reset('a', 'b');
    await store.flush();
    expect(posted.map(({ body }) => body)).toMatchObject([
      { payload: { state: { circuit_state: 'TERMINATED' } } },
    ]);
    expect(await tm.getState('a', 'b')).toBeNull();
  });

  it('never waits for the server, and sends in order once it is back', async () => {
    const { posted, url, port, stop, listen } = await startServer();
    await stop();
    const lines: string[] = [];
    const { store, tm } = managerOn({ baseUrl: url, onStatus: (line) => lines.push(line) });
    for (let i = 0; i < 20; i++) await tm.evaluate('a', 'b', TrustOutcome.SUCCESS);
    expect(await tm.getTrustScore('a', 'b')).toBeCloseTo(21 / 22);
    await until('it noticed', async () => lines.length === 1);
    expect(store.counts).toMatchObject({ shipped: 0, queued: 20 });
    await listen(port);
    expect(await store.flush()).toBe(true);
    const counts = posted.map(
      ({ body }) =>
        (body as { payload: { state: { interaction_count: number } } }).payload.state.interaction_count,
    );
    expect(counts).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(lines).toEqual([
      expect.stringMatching(/takes no events/),
      expect.stringMatching(/takes events again/),
    ]);
  });

  it('keeps to its bound: the oldest goes for the newest', async () => {
    const { url, stop } = await startServer();
    await stop();
    const { store, tm } = managerOn({ baseUrl: url, maxQueued: 5, closeWithinMs: 1 });
    for (let i = 0; i < 12; i++) await tm.evaluate('a', 'b', TrustOutcome.SUCCESS);
    expect(store.counts).toEqual({ shipped: 0, queued: 5, dropped: 7, refused: 0 });
  });

  it('tries again where the server cannot just now, as late as it asks for', async () => {
    const answers = [503, 429, 202];
    const { posted, url } = await startServer((_posted, response) => {
      response.writeHead(answers.shift() ?? 202, { 'retry-after': '0' }).end();
    });
    const { store, tm } = managerOn({ baseUrl: url });
    await tm.evaluate('a', 'b', TrustOutcome.SUCCESS);
    expect(await store.flush()).toBe(true);
    expect(posted).toHaveLength(3);
    expect(store.counts).toMatchObject({ shipped: 1, refused: 0 });
  });

  it('gives up an event that the server calls wrong, and goes on with the next', async () => {
    const answers = [422, 202];
    const lines: string[] = [];
    const { url } = await startServer((_posted, response) => {
      response.writeHead(answers.shift() ?? 202).end();
    });
    const { store, tm } = managerOn({ baseUrl: url, onStatus: (line) => lines.push(line) });
    await tm.evaluate('a', 'b', TrustOutcome.SUCCESS);
    await tm.evaluate('a', 'b', TrustOutcome.SUCCESS);
    await store.flush();
    expect(store.counts).toEqual({ shipped: 1, queued: 0, dropped: 0, refused: 1 });
    expect(lines).toEqual([expect.stringContaining('refuses an event: status 422')]);
  });

  it('does not wait for a server that never answers', async () => {
    let asked = 0;
    const { url } = await startServer((_posted, response) => {
      if (++asked > 1) response.writeHead(202).end();
    });
    const { store, tm } = managerOn({ baseUrl: url, timeoutMs: 50 });
    await tm.evaluate('a', 'b', TrustOutcome.SUCCESS);
    expect(await store.flush()).toBe(true);
    expect(asked).toBe(2);
  });

  it('sends what waits when it is closed, and nothing after that', async () => {
    const { posted, url } = await startServer();
    const { store, tm } = managerOn({ baseUrl: url });
    await tm.evaluate('a', 'b', TrustOutcome.SUCCESS);
    await tm.close();
    expect(posted).toHaveLength(1);
    expect(store.counts).toMatchObject({ shipped: 1, queued: 0 });
  });

  it.each([
    [{ apiKey: '' }, /apiKey must be one or more visible ASCII/],
    [{ apiKey: 'a b' }, /apiKey/],
    [{ apiKey: 'k', baseUrl: 'nowhere' }, /baseUrl is no URL: nowhere/],
    [{ apiKey: 'k', baseUrl: 'ftp://x' }, /must begin with http:\/\/ or https:\/\/, not ftp:/],
    [{ apiKey: 'k', maxQueued: 0 }, /maxQueued must be a whole number above 0, not 0/],
    [{ apiKey: 'k', timeoutMs: Number.NaN }, /timeoutMs/],
  ])('refuses %j', (options, message) => {
    expect(() => new FulcrumStore(options)).toThrow(message);
  });
});
