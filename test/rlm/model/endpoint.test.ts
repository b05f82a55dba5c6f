import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import { FulcrumError } from '../../../src/errors.js';
import { GaveUp } from '../../../src/retry.js';
import { Endpoint, type EndpointOptions } from '../../../src/rlm/model/endpoint.js';
import { ModelError } from '../../../src/rlm/model/error.js';
import type { ModelRequest } from '../../../src/rlm/ports.js';
import { complete, fakeEndpoint, json, quickParts, type Reply, status } from './fake-endpoint.js';

const request: ModelRequest = { system: 'Be brief.', user: 'Which turn is the first?', maxAnswerTokens: 50 };
const key = 'sk-test-0123456789';

async function endpointOf(replies: readonly Reply[], options: Partial<EndpointOptions> = {}, random = 0) {
  const server = await fakeEndpoint(replies);
  const parts = quickParts(random);
  const endpoint = new Endpoint({ url: server.url, model: 'small', key, ...options }, parts);
  return { endpoint, server, parts };
}

async function failure(asking: Promise<unknown>): Promise<ModelError> {
  const error = await asking.catch((caught: unknown) => caught);
  if (!(error instanceof ModelError)) throw new Error(`no ModelError: ${String(error)}`);
  return error;
}

describe('an endpoint', () => {
  it('is asked as the protocol has it, and its own count of tokens is taken', async () => {
    const { endpoint, server } = await endpointOf(['Turn 0.'], { promptPrice: 2, answerPrice: 10 });
    const answer = await endpoint.ask(request);
    expect(answer).toMatchObject({ text: 'Turn 0.', cached: false });
    expect(answer.use.promptTokens + answer.use.answerTokens).toBe(server.tokens);
    expect(answer.use.cost).toBeCloseTo(
      (2 * answer.use.promptTokens + 10 * answer.use.answerTokens) / 1e6,
      12,
    );
    expect(server.asked[0]).toMatchObject({
      path: '/v1/chat/completions',
      headers: { authorization: `Bearer ${key}` },
      body: { model: 'small', max_tokens: 50, temperature: 0, stream: false },
    });
    expect(server.asked[0]?.body.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Which turn is the first?' },
    ]);
  });

  it('needs no key', async () => {
    const { endpoint, server } = await endpointOf(['yes'], { key: null });
    await endpoint.ask(request);
    expect(server.asked[0]?.headers.authorization).toBeUndefined();
  });

  it('takes its address with or without what follows it', async () => {
    const server = await fakeEndpoint(['yes']);
    for (const url of [`${server.url}/`, `${server.url}/chat/completions`])
      await new Endpoint({ url, model: 'm' }, quickParts()).ask(request);
    expect(server.asked.map(({ path }) => path)).toEqual(['/v1/chat/completions', '/v1/chat/completions']);
  });

  it.each([
    ['absent', undefined],
    ['broken', { prompt_tokens: 'many' }],
    ['negative', { prompt_tokens: -5, completion_tokens: 1 }],
  ])('whose usage is %s is counted here', async (_, usage) => {
    const { endpoint } = await endpointOf([
      (_asked, response) => json(response, 200, { choices: [{ message: { content: 'Turn 0.' } }], usage }),
    ]);
    const { use } = await endpoint.ask(request);
    expect(use.promptTokens).toBeGreaterThan(10);
    expect(use.promptTokens).toBeLessThanOrEqual(endpoint.atMost(request).promptTokens);
    expect(use.answerTokens).toBe(3);
  });

  it('that wants max_completion_tokens and no temperature is asked so from then on', async () => {
    const { endpoint, server } = await endpointOf([
      status(400, {
        error: { message: "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'." },
      }),
      status(400, { error: { message: "Unsupported value: 'temperature' does not support 0" } }),
      'one',
      'two',
    ]);
    expect((await endpoint.ask(request)).text).toBe('one');
    await endpoint.ask({ ...request, user: 'And the last?' });
    expect(server.asked).toHaveLength(4);
    expect(server.asked[3]?.body).toMatchObject({ max_completion_tokens: 50 });
    expect(server.asked[3]?.body).not.toHaveProperty('max_tokens');
    expect(server.asked[3]?.body).not.toHaveProperty('temperature');
  });

  it('is not asked the same twice; what it said last is kept, and nothing is paid for it', async () => {
    const { endpoint, server } = await endpointOf(['one', 'two', 'three', 'four'], { cachedAnswers: 2 });
    const ask = (user: string) => endpoint.ask({ ...request, user });
    await ask('a');
    await ask('b');
    expect(await ask('a')).toEqual({
      text: 'one',
      cached: true,
      use: { promptTokens: 0, answerTokens: 0, cost: 0 },
    });
    await ask('c');
    expect((await ask('a')).cached).toBe(true);
    expect((await ask('b')).cached).toBe(false);
    expect(server.asked).toHaveLength(4);
  });

  it('may think aloud before it answers', async () => {
    const { endpoint } = await endpointOf(['<think>Turn 3?\nNo.</think>\nTurn 0.']);
    expect((await endpoint.ask(request)).text).toBe('Turn 0.');
  });

  it('may give its answer in parts', async () => {
    const { endpoint } = await endpointOf([
      (_asked, response) =>
        json(response, 200, {
          choices: [{ message: { content: [{ type: 'text', text: 'Turn ' }, { text: '0.' }] } }],
        }),
    ]);
    expect((await endpoint.ask(request)).text).toBe('Turn 0.');
  });
});

describe('an endpoint that asks to wait', () => {
  it('is asked again after as long as it said, in seconds or by a date', async () => {
    const date = new Date((1_800_000_000 + 7) * 1_000).toUTCString();
    const { endpoint, parts } = await endpointOf([
      status(429, { error: { message: 'slow down' } }, { 'retry-after': '3' }),
      status(503, '', { 'retry-after': date }),
      'done',
    ]);
    expect((await endpoint.ask(request)).text).toBe('done');
    expect(parts.pauses).toEqual([3_000, 7_000]);
  });

  it('is left alone by all calls meanwhile', async () => {
    const { endpoint, parts, server } = await endpointOf([status(429, '', { 'retry-after': '3' }), 'a', 'b']);
    await Promise.all([endpoint.ask(request), endpoint.ask({ ...request, user: 'Another.' })]);
    expect(parts.pauses[0]).toBe(3_000);
    expect(server.asked).toHaveLength(3);
  });

  it('for longer than is waited is given up, with its word', async () => {
    const { endpoint, parts, server } = await endpointOf([
      status(429, { error: { message: 'come back tomorrow' } }, { 'retry-after': '86400' }),
    ]);
    const error = await failure(endpoint.ask(request));
    expect(error).toMatchObject({ code: 'model_rate_limited', retryAfterMs: 86_400_000 });
    expect(error.message).toContain('status 429: come back tomorrow');
    expect([parts.pauses, server.asked.length]).toEqual([[], 1]);
  });
});

describe('an endpoint that fails', () => {
  it('is asked four times with pauses that double and differ', async () => {
    const { endpoint, parts, server } = await endpointOf([status(500, 'oops')], {}, 0.5);
    expect(await failure(endpoint.ask(request))).toMatchObject({ code: 'model_away' });
    expect(server.asked).toHaveLength(4);
    expect(parts.pauses).toEqual([375, 750, 1_500]);
  });

  it('and then answers is no failure', async () => {
    const { endpoint } = await endpointOf([status(502), status(500), 'here']);
    expect((await endpoint.ask(request)).text).toBe('here');
  });

  it('is away when nobody listens', async () => {
    const endpoint = new Endpoint({ url: 'http://127.0.0.1:1/v1', model: 'm', key }, quickParts());
    const error = await failure(endpoint.ask(request));
    expect(error.code).toBe('model_away');
    expect(error.message).toContain('http://127.0.0.1:1 is away');
  });

  it('is away when it hangs up in the middle of its answer', async () => {
    const { endpoint } = await endpointOf([
      (_asked, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"choices": [');
        response.socket?.destroy();
      },
    ]);
    expect(await failure(endpoint.ask(request))).toMatchObject({ code: 'model_away' });
  });

  it('is slow when its answer does not come', async () => {
    const { endpoint, parts } = await endpointOf([() => {}], { timeoutMs: 20, backoff: { attempts: 2 } });
    expect(await failure(endpoint.ask(request))).toMatchObject({ code: 'model_slow' });
    expect(parts.pauses).toHaveLength(1);
  });

  it.each([
    ['denied', 401, { error: { message: 'no such key' } }, 'model_denied'],
    ['denied', 403, '', 'model_denied'],
    ['denied', 429, { error: { message: 'pay first', code: 'insufficient_quota' } }, 'model_denied'],
    ['refused', 400, { error: { message: 'no', code: 'content_filter' } }, 'model_refused'],
    ['wrong', 404, { error: 'model "small" not found, try pulling it first' }, 'model_wrong'],
    ['wrong', 400, { detail: 'maximum context length is 512 tokens' }, 'model_wrong'],
    ['wrong', 302, '', 'model_wrong'],
    ['wrong', 200, '<html>Sign in</html>', 'model_wrong'],
    ['wrong', 200, { choices: [] }, 'model_wrong'],
    ['wrong', 200, { choices: [{ message: { content: '' }, finish_reason: 'length' }] }, 'model_wrong'],
    ['refused', 200, { choices: [{ message: { content: null, refusal: 'I will not.' } }] }, 'model_refused'],
    ['refused', 200, { choices: [{ message: {}, finish_reason: 'content_filter' }] }, 'model_refused'],
  ])('is %s at once with status %d and %j', async (_, code, body, expected) => {
    const { endpoint, server } = await endpointOf([status(code, body)]);
    expect(await failure(endpoint.ask(request))).toMatchObject({ code: expected, passing: false });
    expect(server.asked).toHaveLength(1);
  });

  it('is wrong when its answer does not end', async () => {
    const { endpoint } = await endpointOf([
      (_asked, response) => {
        const more = (): void => {
          while (response.write('x'.repeat(65_536)));
        };
        response.on('drain', more);
        more();
      },
    ]);
    expect((await failure(endpoint.ask(request))).message).toContain('more than 4194304 bytes');
  });

  it('is not followed elsewhere', async () => {
    const elsewhere = await fakeEndpoint(['here']);
    const { endpoint } = await endpointOf([
      status(307, '', { location: `${elsewhere.url}/chat/completions` }),
    ]);
    expect((await failure(endpoint.ask(request))).message).toContain('points elsewhere');
    expect(elsewhere.asked).toEqual([]);
  });
});

describe('the key', () => {
  it('is in no error, though the endpoint quotes it', async () => {
    const { endpoint } = await endpointOf([status(401, { error: { message: `key ${key} is unknown` } })]);
    const error = await failure(endpoint.ask(request));
    expect(error.message).toContain('key *** is unknown');
    expect(JSON.stringify(error) + String(error.stack) + String(error.cause)).not.toContain(key);
  });

  it.each([
    ['a key with a line end', { key: `${key}\n` }],
    ['an address with a password', { url: `http://user:${key}@127.0.0.1/v1` }],
    ['an address that is none', { url: `127.0.0.1/${key}` }],
  ])('is not quoted when %s is refused', (_, options) => {
    const make = () => new Endpoint({ url: 'http://127.0.0.1/v1', model: 'm', ...options });
    expect(make).toThrow(FulcrumError);
    expect(make).not.toThrow(new RegExp(key));
  });
});

describe('calls of a process', () => {
  it('go through one gate, whichever endpoint they are for', async () => {
    let under = 0;
    let most = 0;
    const slow: Reply = (asked, response) => {
      under += 1;
      most = Math.max(most, under);
      setImmediate(() => {
        under -= 1;
        complete(asked, response, 'yes');
      });
    };
    const server = await fakeEndpoint(() => slow);
    const gate = pLimit(2);
    const endpoints = ['a', 'b'].map(
      (model) => new Endpoint({ url: server.url, model }, { ...quickParts(), gate }),
    );
    await Promise.all(
      endpoints.flatMap((endpoint) =>
        Array.from({ length: 5 }, (_, i) => endpoint.ask({ ...request, user: `question ${i}` })),
      ),
    );
    expect([server.asked.length, most]).toEqual([10, 2]);
  });

  it('end when they are told to', async () => {
    const { endpoint } = await endpointOf([() => {}]);
    const stop = new AbortController();
    const asking = endpoint.ask(request, stop.signal);
    stop.abort();
    await expect(asking).rejects.toBeInstanceOf(GaveUp);
  });
});
