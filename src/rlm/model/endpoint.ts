import type { LimitFunction } from 'p-limit';
import { systemClock, systemTimers, type Timers } from '../../clock.js';
import { FulcrumError, messageOf } from '../../errors.js';
import type { Clock } from '../../ports.js';
import { GaveUp } from '../../retry.js';
import type { Model, ModelAnswer, ModelRequest, ModelUse } from '../ports.js';
import type { TokenCounter } from '../tokens.js';
import { type Backoff, defaultBackoff, pauseBefore } from './backoff.js';
import { readBounded } from './body.js';
import { AnswerCache, requestId } from './cache.js';
import { framingTokens, modelTokens } from './count.js';
import { ModelError } from './error.js';
import { processGate } from './gate.js';
import { bodyOf, type Completion, completionOf, errorOf, firstDialect, otherDialect } from './protocol.js';
import { type Redact, redactor } from './secrets.js';

/** Where a model is, and how it is asked. */
export interface EndpointOptions {
  /** What stands before `/chat/completions`, as `http://127.0.0.1:11434/v1`. */
  readonly url: string;
  readonly model: string;
  /** Sent as a bearer token; null: none, as local ones need none. @defaultValue null */
  readonly key?: string | null;
  /** Of one attempt, from its start to the last byte. @defaultValue 60,000 */
  readonly timeoutMs?: number;
  readonly backoff?: Partial<Backoff>;
  /** US dollars a million tokens. @defaultValue 0 */
  readonly promptPrice?: number;
  /** @defaultValue 0 */
  readonly answerPrice?: number;
  /** Answers kept; 0: none. @defaultValue 256 */
  readonly cachedAnswers?: number;
  /** Counts where the endpoint does not. @defaultValue modelTokens */
  readonly counter?: TokenCounter;
}

/** What an endpoint needs of its surroundings; tests put their own in its place. */
export interface EndpointParts {
  readonly timers: Timers;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly gate: LimitFunction;
}

const systemParts: EndpointParts = {
  timers: systemTimers,
  clock: systemClock,
  random: Math.random,
  gate: processGate,
};

/** A tokenizer of a model makes no more of a text than this many times our count; docs/rlm-models.md has figures. */
const countsFalseBy = 1.5;

const mostAnswerBytes = 4 * 1024 * 1024;

/** A model behind an endpoint that speaks OpenAI's chat completions. */
export class Endpoint implements Model {
  readonly name: string;
  readonly #url: URL;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #options: Required<Omit<EndpointOptions, 'url' | 'key' | 'backoff'>>;
  readonly #backoff: Backoff;
  readonly #parts: EndpointParts;
  readonly #cache: AnswerCache;
  readonly #redact: Redact;
  #dialect = firstDialect;
  /** The endpoint asked to be left alone until then, of `elapsedMs`. */
  #restUntilMs = 0;

  /** @throws FulcrumError `config` for an address or a key that cannot be used */
  constructor(options: EndpointOptions, parts: Partial<EndpointParts> = {}) {
    const { url, key = null, backoff = {}, ...rest } = options;
    this.#url = completionsUrl(url);
    this.#headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(key === null ? {} : { authorization: `Bearer ${usableKey(key)}` }),
    };
    this.#options = {
      timeoutMs: 60_000,
      promptPrice: 0,
      answerPrice: 0,
      cachedAnswers: 256,
      counter: modelTokens,
      ...rest,
    };
    this.name = options.model;
    this.#backoff = { ...defaultBackoff, ...backoff };
    this.#parts = { ...systemParts, ...parts };
    this.#cache = new AnswerCache(this.#options.cachedAnswers);
    this.#redact = redactor([key]);
  }

  atMost({ system, user, maxAnswerTokens }: ModelRequest): ModelUse {
    const { counter } = this.#options;
    const counted = counter.count(system) + counter.count(user);
    return this.#use(Math.ceil(counted * countsFalseBy) + framingTokens, maxAnswerTokens);
  }

  async ask(request: ModelRequest, signal?: AbortSignal): Promise<ModelAnswer> {
    const id = requestId(this.name, request);
    const known = this.#cache.get(id);
    if (known !== undefined) return { text: known, use: this.#use(0, 0), cached: true };
    const answer = await this.#askUntilAnswered(request, signal);
    this.#cache.set(id, answer.text);
    return answer;
  }

  async #askUntilAnswered(request: ModelRequest, signal?: AbortSignal): Promise<ModelAnswer> {
    const { timers, random } = this.#parts;
    for (let failed = 0; ; ) {
      await timers.sleep(Math.max(0, this.#restUntilMs - timers.elapsedMs()), signal);
      try {
        return await this.#parts.gate(() => this.#attempt(request, signal));
      } catch (error) {
        if (!(error instanceof ModelError) || !error.passing) throw error;
        failed += 1;
        const pauseMs = pauseBefore(this.#backoff, failed, error.retryAfterMs, random());
        if (pauseMs === null) throw error;
        const until = timers.elapsedMs() + pauseMs;
        if (error.retryAfterMs !== null) this.#restUntilMs = Math.max(this.#restUntilMs, until);
        else await timers.sleep(pauseMs, signal);
      }
    }
  }

  async #attempt(request: ModelRequest, signal?: AbortSignal): Promise<ModelAnswer> {
    const dialect = this.#dialect;
    const { status, retryAfter, body } = await this.#post(bodyOf(this.name, request, dialect), signal);
    if (status === 200) return this.#answered(completionOf(body), request);
    const other = status === 400 ? otherDialect(dialect, body) : null;
    if (other === null) throw errorOf({ status, retryAfter, body: this.#redact(body) }, this.#parts.clock());
    this.#dialect = other;
    return this.#attempt(request, signal);
  }

  async #post(
    body: string,
    signal?: AbortSignal,
  ): Promise<{ status: number; retryAfter: string | null; body: string }> {
    const { timeoutMs } = this.#options;
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: this.#headers,
        body,
        // What is asked, and the key, go where they were sent and nowhere else.
        redirect: 'manual',
        signal: signal === undefined ? late : AbortSignal.any([signal, late]),
      });
      const text = await readBounded(response, mostAnswerBytes);
      return { status: response.status, retryAfter: response.headers.get('retry-after'), body: text };
    } catch (error) {
      if (error instanceof ModelError) throw error;
      if (signal?.aborted === true) throw new GaveUp('asking a model: given up', { cause: error });
      if (late.aborted)
        throw new ModelError('model_slow', `no answer from ${this.#url.origin} within ${timeoutMs} ms`);
      throw new ModelError('model_away', `${this.#url.origin} is away: ${this.#redact(rootMessage(error))}`);
    }
  }

  #answered(completion: Completion, request: ModelRequest): ModelAnswer {
    const { counter } = this.#options;
    const said = completion.use;
    const use =
      said === null
        ? this.#use(
            counter.count(request.system) + counter.count(request.user) + framingTokens,
            completion.kind === 'text' ? counter.count(completion.text) : 0,
          )
        : this.#use(said.promptTokens, said.answerTokens);
    if (completion.kind === 'text') return { text: completion.text, use, cached: false };
    const why = this.#redact(completion.why.replace(/\s+/g, ' ').slice(0, 200)).toWellFormed();
    throw completion.kind === 'refused'
      ? new ModelError('model_refused', `the model declines: ${why}`, { use })
      : new ModelError('model_wrong', `the answer of the model cannot be used: ${why}`, { use });
  }

  #use(promptTokens: number, answerTokens: number): ModelUse {
    const { promptPrice, answerPrice } = this.#options;
    const cost = (promptTokens * promptPrice + answerTokens * answerPrice) / 1_000_000;
    return { promptTokens, answerTokens, cost };
  }
}

function completionsUrl(base: string): URL {
  const rule = 'must be http:// or https:// without a user or password, e.g. http://127.0.0.1:11434/v1';
  const bad = (): FulcrumError => new FulcrumError('config', `model.url ${rule}`);
  if (!URL.canParse(base)) throw bad();
  const url = new URL(base);
  if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') throw bad();
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '')}/chat/completions`;
  return url;
}

/** Checked here: a header that cannot be sent would be quoted, key and all, by the error of fetch. */
function usableKey(key: string): string {
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new FulcrumError('config', 'model.key must be printable ASCII without spaces');
  return key;
}

/** What fetch failed at is told by its cause. */
function rootMessage(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  // Of several addresses that were tried, each has its own error and the whole has no message.
  const first = cause instanceof AggregateError ? cause.errors[0] : cause;
  return messageOf(first);
}
