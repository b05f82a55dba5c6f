import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { systemTimers } from '../clock.js';
import { FulcrumError, messageOf } from '../errors.js';
import {
  type CommandAnswer,
  circuitsAnswerSchema,
  commandAnswerSchema,
  type PairView,
  type ProbeAnswer,
  type ProbeRequest,
  type PublishAnswer,
  pairViewSchema,
  probeAnswerSchema,
  publishAnswerSchema,
} from '../events/answers.js';
import { type AnalysisData, type CircuitEvent, circuitEventSchema } from '../events/schemas.js';
import {
  type AskedAnalysis,
  analysisAnswerSchema,
  askedAnalysisSchema,
  type PairAnswer,
  pairAnswerSchema,
} from '../rlm/analysis-record.js';
import type { AnalysisAsked } from './analysis.js';

/** A change that `GET /v1/circuits/stream` told: the circuits that were not CLOSED on connecting, or one event. */
export type StreamItem =
  | { readonly kind: 'circuits'; readonly circuits: readonly PairView[] }
  | { readonly kind: 'circuit'; readonly event: CircuitEvent }
  /** An event, or a circuit of the list, that is none. */
  | { readonly kind: 'invalid' }
  | { readonly kind: 'disconnected'; readonly error: FulcrumError };

const reconnectMs = 1_000;
/** The server sends something every 15 s; a stream that is silent for longer than this is dead. */
const silenceMs = 40_000;
/** Longer than a server takes to say that it cannot answer. */
const answerWithinMs = 45_000;

/** Talks to the HTTP API of `fulcrum-trust up`. */
export class HttpClient {
  private readonly base: URL;

  /**
   * @param headers sent with every request
   * @throws FulcrumError `usage` when `url` is none.
   */
  constructor(
    url: string,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {
    try {
      this.base = new URL(url);
    } catch (cause) {
      throw new FulcrumError('usage', `${url} is not a URL, e.g. http://127.0.0.1:4747`, { cause });
    }
  }

  /** Sends events: one JSON object, an array, or NDJSON. Resolves when they are applied and committed. */
  async publish(body: string | Uint8Array, contentType: string): Promise<PublishAnswer> {
    const response = await this.request('POST', '/v1/interactions', { body, contentType });
    const answer = await readJson(response);
    if (response.status === 202) return answerOf(publishAnswerSchema, answer);
    const { errors } = (answer ?? {}) as { errors?: unknown };
    if (response.status !== 400 || errors === undefined) throw refusal(response, answer);
    return answerOf(publishAnswerSchema, { accepted: 0, rejected: errors });
  }

  async command(command: object): Promise<CommandAnswer> {
    const body = JSON.stringify(command);
    const response = await this.request('POST', '/v1/commands', { body, contentType: 'application/json' });
    return answerOf(commandAnswerSchema, await accepted(response));
  }

  /** What is known of a pair, or null. */
  async pair(tenant: string, agentA: string, agentB: string): Promise<PairAnswer | null> {
    const query = new URLSearchParams({ tenant, agent_a: agentA, agent_b: agentB });
    const response = await this.request('GET', `/v1/pairs?${query}`);
    if (response.status === 404) return null;
    return answerOf(pairAnswerSchema, await accepted(response));
  }

  /** Asks for an analysis of a pair. What is not made within some 10 s is made later, under the id that is answered. */
  async analyze(asked: AnalysisAsked): Promise<AskedAnalysis> {
    const body = JSON.stringify(asked);
    const response = await this.request('POST', '/v1/analyses', { body, contentType: 'application/json' });
    return answerOf(askedAnalysisSchema, await accepted(response));
  }

  /** The last analysis of a pair, or null. */
  async analysis({ tenant, agent_a, agent_b }: AnalysisAsked): Promise<AnalysisData | null> {
    const query = new URLSearchParams({ tenant, agent_a, agent_b });
    const response = await this.request('GET', `/v1/analyses?${query}`);
    if (response.status === 404) return null;
    return answerOf(analysisAnswerSchema, await accepted(response)).analysis;
  }

  /** Circuits that are not CLOSED. */
  async circuits(tenant?: string): Promise<readonly PairView[]> {
    const query = tenant === undefined ? '' : `?${new URLSearchParams({ tenant })}`;
    const answer = await accepted(await this.request('GET', `/v1/circuits${query}`));
    return answerOf(circuitsAnswerSchema, answer).circuits;
  }

  /**
   * Takes or renews the right to be the probe of a pair, or lets it go.
   *
   * @returns whether it is had now, and for how many ms
   */
  async probe(request: ProbeRequest): Promise<ProbeAnswer> {
    const body = JSON.stringify(request);
    const response = await this.request('POST', '/v1/probes', { body, contentType: 'application/json' });
    return answerOf(probeAnswerSchema, await accepted(response));
  }

  /** Follows circuits until `signal` aborts, connecting again whenever the stream breaks. */
  async *watch(tenant: string | undefined, signal: AbortSignal): AsyncGenerator<StreamItem> {
    const query = tenant === undefined ? '' : `?${new URLSearchParams({ tenant })}`;
    while (!signal.aborted) {
      const silence = new AbortController();
      const heard = setInterval(() => silence.abort(new Error('it fell silent')), silenceMs);
      try {
        const either = AbortSignal.any([signal, silence.signal]);
        const response = await this.request('GET', `/v1/circuits/stream${query}`, { signal: either });
        if (!response.ok) throw refusal(response, await readJson(response));
        yield* streamItems(response, () => heard.refresh());
        if (!signal.aborted) yield disconnected(this.base, new Error('the stream ended'));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof FulcrumError && error.code === 'refused') throw error;
        yield disconnected(this.base, error);
      } finally {
        clearInterval(heard);
      }
      await systemTimers.sleep(reconnectMs, signal);
    }
  }

  private async request(
    method: string,
    path: string,
    options: { body?: string | Uint8Array; contentType?: string; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const { body, contentType, signal = AbortSignal.timeout(answerWithinMs) } = options;
    try {
      return await fetch(new URL(path, this.base), {
        method,
        ...(body === undefined ? {} : { body }),
        headers: { ...this.headers, ...(contentType === undefined ? {} : { 'content-type': contentType }) },
        signal,
      });
    } catch (cause) {
      throw unavailable(this.base, cause);
    }
  }
}

/** @param heard called for every sign of life */
async function* streamItems(response: Response, heard: () => void): AsyncGenerator<StreamItem> {
  const items: StreamItem[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === 'circuits') items.push(...listItems(data));
      if (event === 'circuit')
        items.push(parsed(data, circuitEventSchema, (item) => ({ kind: 'circuit', event: item })));
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    heard();
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* items.splice(0);
  }
}

/** The list, without what is in it that is no circuit. @throws FulcrumError `refused` when it is no list */
function listItems(data: string): StreamItem[] {
  const invalid: StreamItem[] = [];
  const circuits = answerOf(z.array(z.unknown()), parsedJson(data)).flatMap((listed) => {
    const circuit = pairViewSchema.safeParse(listed);
    if (circuit.success) return [circuit.data];
    invalid.push({ kind: 'invalid' });
    return [];
  });
  return [...invalid, { kind: 'circuits', circuits }];
}

function parsed<T>(data: string, schema: z.ZodType<T>, item: (value: T) => StreamItem): StreamItem {
  const checked = schema.safeParse(parsedJson(data));
  return checked.success ? item(checked.data) : { kind: 'invalid' };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

/** What a server says is checked like anything else from outside. */
function answerOf<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const message = 'the server answered with something else: is it fulcrum-trust, and of this version?';
  throw new FulcrumError('refused', message, { cause: parsed.error });
}

function disconnected(base: URL, error: unknown): StreamItem {
  return {
    kind: 'disconnected',
    error: error instanceof FulcrumError ? error : unavailable(base, error),
  };
}

function unavailable(base: URL, cause: unknown): FulcrumError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return new FulcrumError(
    'unavailable',
    `no answer from ${base.origin} (${messageOf(inner)}): start it with \`fulcrum-trust up\`, or name it with --url`,
    { cause },
  );
}

async function accepted(response: Response): Promise<unknown> {
  const answer = await readJson(response);
  if (!response.ok) throw refusal(response, answer);
  return answer;
}

function refusal(response: Response, problem: unknown): FulcrumError {
  const { detail, title } = (problem ?? {}) as { detail?: string; title?: string };
  const code = response.status === 503 ? 'unavailable' : 'refused';
  return new FulcrumError(code, detail ?? title ?? `the server answered ${response.status}`);
}

async function readJson(response: Response): Promise<unknown> {
  return parsedJson(await response.text());
}
