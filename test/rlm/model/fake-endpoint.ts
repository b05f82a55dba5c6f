/** A server on this machine that speaks chat completions, and says what a test wants it to. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { LimitFunction } from 'p-limit';
import pLimit from 'p-limit';
import { afterAll } from 'vitest';
import type { Timers } from '../../../src/clock.js';
import { modelTokens } from '../../../src/rlm/model/count.js';
import type { EndpointParts } from '../../../src/rlm/model/endpoint.js';

/** A request as the endpoint got it. */
export interface Asked {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly model: string;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly [key: string]: unknown;
  };
}

/** What it answers: words, or a response of any make. */
export type Reply = string | ((asked: Asked, response: ServerResponse) => void);

export interface FakeEndpoint {
  /** Base address, as `model.url` has it. */
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Prompt and answer tokens of all answers, counted honestly. */
  readonly tokens: number;
}

/** Answers by turns with `replies`, the last one again and again; or with what a function makes of each request. */
export async function fakeEndpoint(
  replies: readonly Reply[] | ((asked: Asked, index: number) => Reply),
): Promise<FakeEndpoint> {
  const asked: Asked[] = [];
  const state = { tokens: 0 };
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const one: Asked = {
        path: request.url ?? '',
        headers: request.headers,
        body: JSON.parse(body) as Asked['body'],
      };
      const index = asked.push(one) - 1;
      const reply =
        typeof replies === 'function'
          ? replies(one, index)
          : (replies[Math.min(index, replies.length - 1)] ?? '');
      if (typeof reply === 'function') reply(one, response);
      else state.tokens += complete(one, response, reply);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    get tokens() {
      return state.tokens;
    },
  };
}

/** Answers with words, as such an endpoint does. Returns the tokens of both sides. */
export function complete(asked: Asked, response: ServerResponse, content: string): number {
  const prompt = asked.body.messages.reduce(
    (sum, message) => sum + modelTokens.count(message.content) + 4,
    3,
  );
  const answer = modelTokens.count(content);
  json(response, 200, {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: asked.body.model,
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { prompt_tokens: prompt, completion_tokens: answer, total_tokens: prompt + answer },
  });
  return prompt + answer;
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A reply of a status, with a body as it is. */
export function status(code: number, body: unknown = '', headers: Record<string, string> = {}): Reply {
  return (_asked, response) => json(response, code, body, headers);
}

/** Surroundings in which waiting takes no time: what was waited for is in `pauses`, in ms. */
export function quickParts(
  random = 0,
): EndpointParts & { readonly pauses: number[]; readonly gate: LimitFunction } {
  const pauses: number[] = [];
  let now = 0;
  const timers: Timers = {
    elapsedMs: () => now,
    sleep: async (ms) => {
      if (ms <= 0) return;
      pauses.push(ms);
      now += ms;
    },
    turn: () => Promise.resolve(),
  };
  return { timers, clock: () => 1_800_000_000, random: () => random, gate: pLimit(4), pauses };
}
