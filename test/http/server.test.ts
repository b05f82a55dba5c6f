import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FulcrumError } from '../../src/errors.js';
import { MemoryStore } from '../../src/store/memory.js';
import { interaction, post, startApi } from '../helpers/api.js';
import { LeavingStore } from '../helpers/leaving-store.js';

describe('the HTTP server', () => {
  it('is alive', async () => {
    const response = await startApi().server.inject('/healthz');
    expect([response.statusCode, response.json()]).toEqual([200, { status: 'ok' }]);
  });

  it('is ready when nothing troubles it', async () => {
    const response = await startApi().server.inject('/readyz');
    expect([response.statusCode, response.json()]).toEqual([200, { status: 'ready' }]);
  });

  it('refuses what a browser sends for a page of another origin, and takes what it sends for its own', async () => {
    const { server } = startApi();
    const command = { action: 'terminate', agent_a: 'a', agent_b: 'b' };
    const from = (origin: string) =>
      server.inject({
        method: 'POST',
        url: '/v1/commands',
        headers: { origin, host: '127.0.0.1:4747', 'content-type': 'text/plain' },
        payload: JSON.stringify(command),
      });
    const foreign = await from('http://evil.example');
    expect(foreign.statusCode).toBe(403);
    expect(foreign.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect((await from('null')).statusCode).toBe(403);
    expect((await from('http://127.0.0.1:4747')).json()).toMatchObject({ changed: true });
  });

  it('has no HEAD of a stream that would never end, and a problem document for a path that is none', async () => {
    const { server } = startApi();
    expect((await server.inject({ method: 'HEAD', url: '/v1/circuits/stream' })).statusCode).toBe(404);
    const bad = await server.inject('/v1/%zz');
    expect(bad.statusCode).toBe(400);
    expect(bad.headers['content-type']).toMatch(/^application\/problem\+json/);
  });

  it('is not ready, and alive, while the processor cannot get on, and says what it cannot', async () => {
    const store = new LeavingStore();
    store.away = true;
    const api = startApi({ store, limits: { answerWithinMs: 1 } });
    await post(api, '/v1/interactions', interaction());
    await expect.poll(async () => (await api.server.inject('/readyz')).statusCode).toBe(503);
    const response = await api.server.inject('/readyz');
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.json()).toMatchObject({ title: 'Not ready', detail: 'cannot apply interactions' });
    expect((await api.server.inject('/healthz')).statusCode).toBe(200);
    store.away = false;
    await expect.poll(async () => (await api.server.inject('/readyz')).statusCode).toBe(200);
  });

  it('answers a path that it does not have with a problem', async () => {
    const response = await startApi().server.inject('/v1/nothing?x=1');
    expect(response.statusCode).toBe(404);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.json()).toEqual({
      type: 'about:blank',
      status: 404,
      title: 'Not found',
      detail: 'no GET /v1/nothing?x=1',
    });
  });

  it.each(['/v1/interactions', '/v1/commands'])(
    'answers a body over the limit with a problem: %s',
    async (url) => {
      const api = startApi({ limits: { maxBodyBytes: 100 } });
      const response = await post(api, url, ' '.repeat(101));
      expect(response.statusCode).toBe(413);
      expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(response.json()).toMatchObject({ status: 413, title: 'Payload Too Large' });
      expect((await post(api, url, ' '.repeat(100))).statusCode).toBe(400);
    },
  );

  it('answers what it did not expect with a problem', async () => {
    const store = new LeavingStore();
    store.away = true;
    const response = await startApi({ store }).server.inject('/v1/circuits');
    expect(response.statusCode).toBe(500);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(response.json()).toMatchObject({ status: 500, title: 'Internal Server Error' });
  });

  it('answers what a server that is away would know with a problem that says when to come again', async () => {
    const store = {
      read: () => Promise.reject(new FulcrumError('unavailable', 'redis://somewhere does not answer')),
      circuits: () => new MemoryStore().circuits(),
    };
    const response = await startApi({ parts: { store } }).server.inject('/v1/pairs?agent_a=a&agent_b=b');
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(response.json()).toMatchObject({
      title: 'Not now',
      detail: 'redis://somewhere does not answer',
    });
  });
});

describe('the HTTP server, when it closes', () => {
  const connectTo = async (url: string): Promise<Socket> => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };

  it('does not wait for those who have connected and asked for nothing', async () => {
    const api = startApi();
    const url = await api.server.listen({ host: '127.0.0.1', port: 0 });
    const silent = await connectTo(url);
    const halfway = await connectTo(url);
    halfway.write('GET /healthz HTTP/1.1\r\nHost:');
    const ended = Promise.all(
      [silent, halfway].map((socket) => new Promise((end) => socket.once('close', end))),
    );
    await api.server.close();
    await ended;
  });

  it('cuts off a request that does not come to its end', async () => {
    const api = startApi({ limits: { answerWithinMs: 50 } });
    const url = await api.server.listen({ host: '127.0.0.1', port: 0 });
    const stalled = await connectTo(url);
    const asked = once(api.server.server, 'request');
    stalled.write('POST /v1/interactions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
    await asked;
    await api.server.close();
  });

  it('answers what it was asked before', async () => {
    const store = new LeavingStore();
    store.away = true;
    const api = startApi({ store });
    const url = await api.server.listen({ host: '127.0.0.1', port: 0 });
    const body = JSON.stringify(interaction());
    const asking = fetch(`${url}/v1/interactions`, { method: 'POST', body });
    await expect.poll(() => api.processor.troubled).toEqual(['apply interactions']);
    const startedAt = performance.now();
    const closing = api.server.close();
    store.away = false;
    expect(await (await asking).json()).toEqual({ accepted: 1, rejected: [] });
    await closing;
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
