/** The chat completions protocol as OpenAI has it, and as Ollama, vLLM and others understand it. No I/O. */
import { z } from 'zod';
import type { ModelRequest } from '../ports.js';
import { retryAfterMs } from './backoff.js';
import { ModelError } from './error.js';

/** Where endpoints differ in what they take. */
export interface Dialect {
  readonly answerLimit: 'max_tokens' | 'max_completion_tokens';
  readonly temperature: boolean;
}

/** What most take; those that do not say so, and are asked anew. */
export const firstDialect: Dialect = { answerLimit: 'max_tokens', temperature: true };

export function bodyOf(name: string, request: ModelRequest, dialect: Dialect): string {
  return JSON.stringify({
    model: name,
    messages: [
      { role: 'system', content: request.system },
      { role: 'user', content: request.user },
    ],
    [dialect.answerLimit]: request.maxAnswerTokens,
    ...(dialect.temperature ? { temperature: 0 } : {}),
    stream: false,
  });
}

/** The dialect of an endpoint that answered 400 with this; null: that was not why. */
export function otherDialect(dialect: Dialect, body: string): Dialect | null {
  if (dialect.answerLimit === 'max_tokens' && body.includes('max_completion_tokens'))
    return { ...dialect, answerLimit: 'max_completion_tokens' };
  return dialect.temperature && body.includes('temperature') ? { ...dialect, temperature: false } : null;
}

const partSchema = z.object({ text: z.string().optional() });
const answerSchema = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullish(),
        message: z.object({
          content: z.union([z.string(), z.array(partSchema)]).nullish(),
          refusal: z.string().nullish(),
        }),
      }),
    )
    .min(1),
  usage: z.unknown().optional(),
});
const usageSchema = z.object({
  prompt_tokens: z.int().nonnegative(),
  completion_tokens: z.int().nonnegative().default(0),
});

/** Tokens as the endpoint counted them. */
export interface SaidUse {
  readonly promptTokens: number;
  readonly answerTokens: number;
}

/** What an endpoint answered with a status of success. */
export type Completion =
  | { readonly kind: 'text'; readonly text: string; readonly use: SaidUse | null }
  | { readonly kind: 'refused' | 'wrong'; readonly why: string; readonly use: SaidUse | null };

export function completionOf(body: string): Completion {
  const parsed = answerSchema.safeParse(jsonOf(body));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.join('.');
    return { kind: 'wrong', why: `${where} is not as the protocol has it`, use: null };
  }
  const { choices, usage } = parsed.data;
  const use = saidUse(usage);
  const { message, finish_reason: end } = choices[0] as (typeof choices)[0];
  if (message.refusal != null && message.refusal !== '')
    return { kind: 'refused', why: message.refusal, use };
  if (end === 'content_filter') return { kind: 'refused', why: 'its content filter', use };
  const text = withoutThoughts(textOf(message.content));
  if (text !== '') return { kind: 'text', text, use };
  return {
    kind: 'wrong',
    why: end === 'length' ? 'cut off before it said anything' : 'it said nothing',
    use,
  };
}

function textOf(content: string | readonly { text?: string | undefined }[] | null | undefined): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text = '' }) => text).join('');
}

/** What a reasoning model thinks aloud before its answer; a thought that was cut off is no answer. */
function withoutThoughts(text: string): string {
  return text.replace(/^\s*<think>[\s\S]*?(<\/think>|$)/, '').trim();
}

/** Null where none is told, or one that cannot be: an answer takes something. */
function saidUse(usage: unknown): SaidUse | null {
  const parsed = usageSchema.safeParse(usage);
  if (!parsed.success || parsed.data.prompt_tokens === 0) return null;
  return { promptTokens: parsed.data.prompt_tokens, answerTokens: parsed.data.completion_tokens };
}

const mostReasonLength = 200;

/** An answer without success as an error. */
export function errorOf(
  { status, retryAfter, body }: { status: number; retryAfter: string | null; body: string },
  nowSeconds: number,
): ModelError {
  const why = `status ${status}${saying(body)}`;
  const wait = { retryAfterMs: retryAfterMs(retryAfter, nowSeconds) };
  if (/content_filter|content_policy/.test(body) && status < 500)
    return new ModelError('model_refused', `the endpoint refuses the prompt: ${why}`);
  if ([401, 402, 403, 407].includes(status) || body.includes('insufficient_quota'))
    return new ModelError('model_denied', `the endpoint takes no requests with this key: ${why}`);
  if (status === 429) return new ModelError('model_rate_limited', `the endpoint asks to wait: ${why}`, wait);
  if (status === 408) return new ModelError('model_slow', `the endpoint took too long: ${why}`, wait);
  if (status === 425 || status >= 500)
    return new ModelError('model_away', `the endpoint cannot answer: ${why}`, wait);
  if (status === 404)
    return new ModelError('model_wrong', `the endpoint has no such model, or no chat completions: ${why}`);
  if (status < 400) return new ModelError('model_wrong', `the endpoint points elsewhere: ${why}`);
  return new ModelError('model_wrong', `the endpoint does not take the request: ${why}`);
}

const saidSchema = z.union([
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
]);

/** Its own words where the body is JSON: a page of a proxy helps nobody. */
function saying(body: string): string {
  const said = saidSchema.safeParse(jsonOf(body));
  return said.success ? `: ${oneLine(said.data).slice(0, mostReasonLength).toWellFormed()}` : '';
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
