import { z } from 'zod';
import { FulcrumError, messageOf } from '../../errors.js';
import type { Amounts } from '../budget.js';
import type { Partition } from '../context.js';
import { ModelError, nothingUsed } from '../model/error.js';
import type { Model, ModelRequest, ModelUse } from '../ports.js';
import type { PartitionModel } from '../program/host.js';
import { mostEvidenceTurns, verdicts } from '../result.js';
import { promptFile, subPrompt } from './prompts.js';

/** What a sub-call may say of the part that it was shown. What else it says is dropped. */
export const subAnswerSchema = z.object({
  loop: z.enum(verdicts).exclude(['inconclusive']),
  turns: z.array(z.int().min(0)).max(mostEvidenceTurns).default([]),
  note: z
    .string()
    .default('')
    .transform((note) => note.slice(0, 400).toWellFormed()),
});
export type SubAnswer = z.infer<typeof subAnswerSchema>;

/**
 * The answer in the words of a model.
 * @throws ModelError `model_wrong` when there is none in them
 */
export function subAnswerOf(text: string): SubAnswer {
  const from = text.indexOf('{');
  const to = text.lastIndexOf('}');
  if (from === -1 || to < from) throw new ModelError('model_wrong', 'the answer has no JSON object');
  let value: unknown;
  try {
    value = JSON.parse(text.slice(from, to + 1));
  } catch (cause) {
    throw new ModelError('model_wrong', `the answer is not JSON: ${messageOf(cause)}`, { cause });
  }
  const parsed = subAnswerSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ModelError(
    'model_wrong',
    `${issue?.path.join('.') || 'the answer'}: ${issue?.message ?? 'does not fit'}`,
  );
}

/** What a program gets for one handle: an answer, or the error as a value that it can look at. */
export type SubResult =
  | { readonly handle: string; readonly ok: true; readonly answer: SubAnswer }
  | {
      readonly handle: string;
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string };
    };

/** Asks a model about parts, one request for each, all at once as far as the process may. */
export class PartModel implements PartitionModel {
  constructor(
    private readonly model: Model,
    /** Of each answer at most. */
    private readonly answerTokens: number,
  ) {}

  atMost(partitions: readonly Partition[], question: string): Amounts {
    return sum(partitions.map((partition) => this.model.atMost(this.#request(partition, question))));
  }

  async ask(
    partitions: readonly Partition[],
    question: string,
  ): Promise<{ readonly answers: readonly SubResult[]; readonly used: Amounts }> {
    const asked = await Promise.all(partitions.map((partition) => this.#askOne(partition, question)));
    return { answers: asked.map(({ result }) => result), used: sum(asked.map(({ use }) => use)) };
  }

  /** What fails is a value; only what is no operational error is thrown. */
  async #askOne(partition: Partition, question: string): Promise<{ result: SubResult; use: ModelUse }> {
    const { handle } = partition;
    let use = nothingUsed;
    try {
      const answer = await this.model.ask(this.#request(partition, question));
      use = answer.use;
      return { result: { handle, ok: true, answer: subAnswerOf(answer.text) }, use };
    } catch (error) {
      if (!(error instanceof FulcrumError)) throw error;
      if (use === nothingUsed && error instanceof ModelError) use = error.use;
      const { code, message } = error;
      return { result: { handle, ok: false, error: { code, message } }, use };
    }
  }

  #request({ handle, text }: Partition, question: string): ModelRequest {
    return {
      system: promptFile('sub'),
      user: subPrompt(question, handle, text),
      maxAnswerTokens: this.answerTokens,
    };
  }
}

function sum(uses: readonly ModelUse[]): Amounts {
  return {
    modelCalls: uses.length,
    tokens: uses.reduce((tokens, { promptTokens, answerTokens }) => tokens + promptTokens + answerTokens, 0),
    cost: uses.reduce((total, { cost }) => total + cost, 0),
  };
}
