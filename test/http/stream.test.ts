import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { SinkMessage } from '../../src/ports.js';
import { MemoryStore } from '../../src/store/memory.js';
import { MemorySink } from '../../src/streams/memory.js';
import { type Api, interaction, post, startApi } from '../helpers/api.js';
import { LeavingStore } from '../helpers/leaving-store.js';
import { watching } from '../helpers/watching.js';

const listen = (api: Api, port = 0): Promise<string> => api.server.listen({ host: '127.0.0.1', port });

const open = (api: Api, fields: object = {}) =>
  post(api, '/v1/interactions', [interaction(fields), interaction(fields)]);
const command = (api: Api, action: string, fields: object = {}) =>
  post(api, '/v1/commands', { agent_a: 'ann', agent_b: 'bob', action, ...fields });

/** A sink that knows how many listen. */
class CountedSink extends MemorySink {
  listeners_ = 0;

  override subscribe(listener: (message: SinkMessage) => void): () => void {
    this.listeners_++;
    const end = super.subscribe(listener);
    return () => {
      this.listeners_--;
      end();
    };
  }
}

const anyMessage = (body: string | Uint8Array): SinkMessage => ({
  channel: 'circuits',
  id: 'x',
  tenant: 'default',
  key: 'x',
  headers: {},
  body: Buffer.from(body),
});

/** What the server writes to the next who asks. */
const nextAnswer = (api: Api): Promise<ServerResponse> =>
  new Promise((resolve) => {
    api.server.server.once('request', (_request, answer) => resolve(answer));
  });

/** A connection to the stream as a browser makes one, read by nobody until somebody does. */
async function connect(url: string): Promise<IncomingMessage> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${url}/v1/circuits/stream`, resolve).on('error', reject);
  });
  response.on('error', () => {});
  onTestFinished(() => void response.destroy());
  return response;
}

describe('the stream of circuits', () => {
  it('says first which circuits are not closed, then each change as it comes, in order', async () => {
    const api = startApi();
    const url = await listen(api);
    await open(api, { agent_a: 'cid' });
    const watcher = watching(url);
    expect(await watcher.next()).toMatchObject({
      kind: 'circuits',
      circuits: [{ agent_a: 'cid', circuit_state: 'OPEN' }],
    });
    await open(api);
    await command(api, 'terminate');
    await command(api, 'reset');
    const heard = [await watcher.next(), await watcher.next(), await watcher.next()];
    expect(heard).toMatchObject(
      ['opened', 'terminated', 'reset'].map((type) => ({
        kind: 'circuit',
        event: { type: `fulcrum.trust.circuit.${type}.v1`, data: { agent_a: 'ann' } },
      })),
    );
  });

  it('may be that of one tenant', async () => {
    const api = startApi();
    const url = await listen(api);
    await open(api, { tenant: 'red' });
    const watcher = watching(url, 'blue');
    expect(await watcher.next()).toEqual({ kind: 'circuits', circuits: [] });
    await command(api, 'terminate', { tenant: 'red' });
    await open(api);
    await open(api, { tenant: 'blue' });
    expect(await watcher.next()).toMatchObject({ kind: 'circuit', event: { data: { tenant: 'blue' } } });
  });

  it('tells everybody who watches', async () => {
    const api = startApi();
    const url = await listen(api);
    const watchers = Array.from({ length: 5 }, () => watching(url));
    for (const watcher of watchers) await watcher.nextOf('circuits');
    await open(api);
    for (const watcher of watchers) expect(await watcher.next()).toMatchObject({ kind: 'circuit' });
  });

  it('is server-sent events, each change under its id', async () => {
    const api = startApi();
    const response = await connect(await listen(api));
    expect(response.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    });
    let text = '';
    const heard = new Promise<void>((resolve) => {
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (/event: circuit\n(.+\n){2}\n$/.test(text)) resolve();
      });
    });
    await command(api, 'terminate');
    await heard;
    expect(text).toMatch(
      /^event: circuits\ndata: \[\]\n\nevent: circuit\nid: default\/[0-9a-f]{16}\/\d+\ndata: \{.*\}\n\n$/,
    );
  });

  it('starts again with the circuits as they are when the server was restarted', async () => {
    const first = startApi();
    const url = await listen(first);
    const watcher = watching(url);
    await watcher.nextOf('circuits');
    await open(first);
    await watcher.nextOf('circuit');
    await first.close();
    expect(await watcher.next()).toMatchObject({ kind: 'disconnected', error: { code: 'unavailable' } });
    const second = startApi({ store: first.store });
    await listen(second, Number(new URL(url).port));
    expect(await watcher.nextOf('circuits')).toMatchObject({ circuits: [{ circuit_state: 'OPEN' }] });
    await command(second, 'terminate');
    expect(await watcher.next()).toMatchObject({ event: { data: { to: 'TERMINATED' } } });
  });

  it('is tried again when the store could not say which circuits are open', async () => {
    const store = new LeavingStore();
    const circuits = new CountedSink();
    const parts = { onCircuit: circuits.subscribe.bind(circuits) };
    const api = startApi({ store, parts });
    const url = await listen(api);
    store.away = true;
    const watcher = watching(url);
    expect(await watcher.next()).toMatchObject({ kind: 'disconnected' });
    await expect.poll(() => circuits.listeners_).toBe(0);
    store.away = false;
    expect(await watcher.nextOf('circuits')).toEqual({ kind: 'circuits', circuits: [] });
  });

  it('cuts off a reader who does not keep up, and waits for no other', async () => {
    const circuits = new CountedSink();
    const api = startApi({ parts: { onCircuit: circuits.subscribe.bind(circuits) } });
    await connect(await listen(api));
    await expect.poll(() => circuits.listeners_).toBe(1);
    const large = anyMessage(Buffer.alloc(256 * 1024, 'x'));
    for (let sent = 0; sent < 400 && circuits.listeners_ > 0; sent++) {
      circuits.publish([large]);
      await nextTurn();
    }
    expect(circuits.listeners_).toBe(0);
  });
});

describe('a long list of circuits', () => {
  it('is waited for, whatever changes while it is read', async () => {
    const store = new MemoryStore();
    const circuits = new CountedSink();
    const many = {
      read: store.read.bind(store),
      circuits: async function* () {
        for await (const one of store.circuits()) for (let count = 0; count < 30_000; count++) yield one;
      },
    };
    const api = startApi({ store, parts: { store: many, onCircuit: circuits.subscribe.bind(circuits) } });
    await open(api);
    const answering = nextAnswer(api);
    const response = await connect(await listen(api));
    expect((await answering).writableLength).toBeGreaterThan(2 * 1024 * 1024);
    circuits.publish([anyMessage('"the change"')]);
    expect(circuits.listeners_).toBe(1);
    let last = '';
    for await (const chunk of response) {
      last = String(chunk);
      if (last.includes('"the change"')) break;
    }
    expect(last).toMatch(/\n\nevent: circuit\nid: x\ndata: "the change"\n\n$/);
  });
});

describe('a watcher', () => {
  it('ends at once when it is told to, and the server lets go of it', async () => {
    const circuits = new CountedSink();
    const api = startApi({ parts: { onCircuit: circuits.subscribe.bind(circuits) } });
    const watcher = watching(await listen(api));
    await watcher.nextOf('circuits');
    const ending = watcher.next();
    watcher.stop();
    expect(await ending).toBeNull();
    await expect.poll(() => circuits.listeners_).toBe(0);
  });

  it('ends at once when it is told to while nobody answers', async () => {
    const api = startApi();
    const url = await listen(api);
    await api.close();
    const watcher = watching(url);
    expect(await watcher.next()).toMatchObject({
      kind: 'disconnected',
      error: { code: 'unavailable', message: expect.stringContaining(`no answer from ${url}`) },
    });
    const ending = watcher.next();
    watcher.stop();
    expect(await ending).toBeNull();
  });

  it('is told what it asks wrongly, and does not ask again', async () => {
    const watcher = watching(await listen(startApi()), 'no tenant');
    await expect(watcher.next()).rejects.toMatchObject({ code: 'refused' });
  });
});

describe('a server that closes', () => {
  it('ends its open streams at once', async () => {
    const api = startApi();
    const url = await listen(api);
    const watchers = [watching(url), watching(url), watching(url)];
    for (const watcher of watchers) await watcher.nextOf('circuits');
    const startedAt = performance.now();
    await api.server.close();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    for (const watcher of watchers) expect(await watcher.next()).toMatchObject({ kind: 'disconnected' });
  });

  it('does not wait for a reader who takes nothing', async () => {
    const circuits = new CountedSink();
    const api = startApi({ parts: { onCircuit: circuits.subscribe.bind(circuits) } });
    const answering = nextAnswer(api);
    await connect(await listen(api));
    const answer = await answering;
    // Until the system takes no more of it, and it stays with the server.
    const filling = anyMessage(Buffer.alloc(64 * 1024, 'x'));
    while (answer.writableLength < 256 * 1024) {
      circuits.publish([filling]);
      for (let turn = 0; turn < 50 && answer.writableLength > 0; turn++) await nextTurn();
    }
    const startedAt = performance.now();
    await api.server.close();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await expect.poll(() => circuits.listeners_).toBe(0);
  });

  it('takes no harm from circuits that change meanwhile', async () => {
    const circuits = new MemorySink();
    const api = startApi({ parts: { onCircuit: (listener) => circuits.subscribe(listener) } });
    // Told after the streams were ended and before their connections are.
    api.server.addHook('preClose', async () => circuits.publish([anyMessage('{}')]));
    await connect(await listen(api));
    await api.server.close();
  });
});
