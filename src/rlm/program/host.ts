import { z } from 'zod';
import { FulcrumError } from '../../errors.js';
import type { Amounts, Budget } from '../budget.js';
import type { Context, Partition } from '../context.js';
import type { Primitive, ProgramHost } from '../ports.js';
import { checkDraft, draftSchema } from './draft.js';
import { grep, type Hits, mostPatternLength } from './grep.js';

export const mostRadius = 8;
export const mostAtOnce = 16;
export const mostQuestionLength = 1_000;
/** Characters of JSON of one recorded step. */
export const mostStepLength = 8_000;
/** Steps that a program may record; those after them are refused. */
export const mostSteps = 64;

/** Asks a model about partitions, one request for each. */
export interface PartitionModel {
  /** What asking can take at most; reserved before `ask` is called. */
  atMost(partitions: readonly Partition[], question: string): Amounts;
  /**
   * Answers in the order of the partitions, JSON each: what fails for one of them is a value that says so. What it
   * throws reaches the program when it is a FulcrumError; all that was reserved is then counted as used.
   */
  ask(
    partitions: readonly Partition[],
    question: string,
  ): Promise<{ readonly answers: readonly unknown[]; readonly used: Amounts }>;
}

export interface NavigationOptions {
  readonly context: Context;
  /** Shared with whatever else the analysis asks a model for. */
  readonly budget: Budget;
  /** null: `llmBatch` is refused. */
  readonly model: PartitionModel | null;
}

/**
 * The primitives over one transcript. Every call is checked and reserved before anything is done, and takes one step.
 * One host serves all programs of an analysis.
 */
export class NavigationHost implements ProgramHost {
  readonly #context: Context;
  readonly #budget: Budget;
  readonly #model: PartitionModel | null;
  #recorded = 0;

  constructor({ context, budget, model }: NavigationOptions) {
    this.#context = context;
    this.#budget = budget;
    this.#model = model;
  }

  /** Another program begins: it may record steps anew. Budgets go on. */
  begin(): void {
    this.#recorded = 0;
  }

  /** @throws FulcrumError `input` for wrong arguments; BudgetExhausted */
  async call(primitive: Primitive, args: readonly unknown[]): Promise<unknown> {
    this.#budget.reserve({ steps: 1 }).settle({ steps: 1 });
    switch (primitive) {
      case 'handles':
        checked(primitive, schemas.handles, args);
        return this.#context.handles;
      case 'middleHandles':
        checked(primitive, schemas.middleHandles, args);
        return this.#context.middleHandles();
      case 'peek':
        return this.#peek(...checked(primitive, schemas.peek, args));
      case 'grep':
        return this.#grep(...checked(primitive, schemas.grep, args));
      case 'llmBatch':
        return this.#ask(...checked(primitive, schemas.llmBatch, args));
      case 'recordStep':
        checked(primitive, schemas.recordStep, args);
        return this.#record();
      case 'updateAnswer':
        checkDraft(...checked(primitive, schemas.updateAnswer, args), this.#context);
        return null;
    }
  }

  /** A partition and `radius` on both sides of it. */
  #peek(handle: string, radius: number): readonly Partition[] {
    this.#partition(handle);
    const shown = this.#context.around(handle, radius);
    this.#show(shown.map(({ text }) => text));
    return shown;
  }

  async #grep(pattern: string): Promise<Hits> {
    const found = await grep(this.#context, pattern, () => this.#budget.reserve({}).release());
    this.#show(found.hits.map(({ line }) => line));
    return found;
  }

  async #ask(handles: readonly string[], question: string): Promise<readonly unknown[]> {
    const partitions = handles.map((handle) => this.#partition(handle));
    const model = this.#model;
    if (model === null) throw new FulcrumError('usage', 'llmBatch: this analysis has no model');
    const most = model.atMost(partitions, question);
    const reservation = this.#budget.reserve(most);
    let used = most;
    try {
      const answer = await model.ask(partitions, question);
      used = answer.used;
      return answer.answers;
    } finally {
      reservation.settle(used);
    }
  }

  #record(): null {
    if (this.#recorded >= mostSteps)
      throw new FulcrumError('input', `recordStep: ${mostSteps} steps are kept at most`);
    this.#recorded += 1;
    return null;
  }

  #partition(handle: string): Partition {
    const partition = this.#context.get(handle);
    if (partition === undefined)
      throw new FulcrumError('input', 'there is no such handle: take one of handles()');
    return partition;
  }

  /** Reserves the bytes of what a program is about to be given. */
  #show(texts: readonly string[]): void {
    const peekedBytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    this.#budget.reserve({ peekedBytes }).settle({ peekedBytes });
  }
}

const handle = z.string().max(2_048);
const question = z.string().trim().min(1).max(mostQuestionLength);
const step = z.unknown().refine((value) => JSON.stringify(value).length <= mostStepLength, {
  error: `must have ${mostStepLength} characters as JSON at most`,
});

/** What each primitive takes: so many arguments, and no more. */
const schemas = {
  handles: z.tuple([]),
  middleHandles: z.tuple([]),
  peek: z.tuple([handle, z.int().min(0).max(mostRadius).default(0)]),
  grep: z.tuple([z.string().min(1).max(mostPatternLength)]),
  llmBatch: z.tuple([
    z.union([handle.transform((one) => [one]), z.array(handle).min(1).max(mostAtOnce)]),
    question,
  ]),
  recordStep: z.tuple([step]),
  updateAnswer: z.tuple([draftSchema]),
};

const names: Record<Primitive, readonly string[]> = {
  handles: [],
  middleHandles: [],
  peek: ['handle', 'radius'],
  grep: ['pattern'],
  llmBatch: ['handles', 'question'],
  recordStep: ['step'],
  updateAnswer: ['answer'],
};

/** @throws FulcrumError `input` as `peek: radius: <rule>` or `updateAnswer: answer.confidence: <rule>` */
function checked<T>(primitive: Primitive, schema: z.ZodType<T>, args: readonly unknown[]): T {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const [first, ...rest] = issue?.path ?? [];
  const argument = typeof first === 'number' ? (names[primitive][first] ?? 'arguments') : 'arguments';
  const field = rest.reduce<string>(
    (path, key) => path + (typeof key === 'number' ? `[${key}]` : `.${String(key)}`),
    argument,
  );
  throw new FulcrumError('input', `${primitive}: ${field}: ${issue?.message ?? 'does not fit'}`);
}
