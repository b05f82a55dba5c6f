import { FulcrumError } from '../../errors.js';
import { GaveUp } from '../../retry.js';
import { ModelError, nothingUsed } from '../model/error.js';
import type { Model, ModelAnswer, ModelRequest, ModelUse, Primitive, ProgramHost } from '../ports.js';
import { since } from './rounds.js';
import { recordedError, type TraceSink } from './trace.js';

/** What a run has used of its model so far. */
export class Tally {
  tokens = 0;
  /** US dollars. */
  cost = 0;

  add({ promptTokens, answerTokens, cost }: ModelUse): void {
    this.tokens += promptTokens + answerTokens;
    this.cost += cost;
  }
}

/** The time that a run may take, and whoever may end it sooner. */
export interface RunTime {
  readonly mostMs: number;
  /** Aborts when the time is over. */
  readonly over: AbortSignal;
  /** Of the caller. */
  readonly signal: AbortSignal | undefined;
}

/** A model whose every request is counted and recorded, and which is not waited for longer than the run may take. */
export class RecordedModel implements Model {
  readonly name: string;

  constructor(
    private readonly model: Model,
    private readonly by: 'root' | 'sub',
    private readonly tally: Tally,
    private readonly time: RunTime,
    private readonly trace: TraceSink,
  ) {
    this.name = model.name;
  }

  atMost(request: ModelRequest): ModelUse {
    return this.model.atMost(request);
  }

  async ask(request: ModelRequest): Promise<ModelAnswer> {
    const started = performance.now();
    try {
      const answer = await this.#askInTime(request);
      this.#record(request, { text: answer.text }, answer.use, answer.cached, started);
      return answer;
    } catch (error) {
      if (error instanceof FulcrumError) {
        const use = error instanceof ModelError ? error.use : nothingUsed;
        this.#record(request, { error: recordedError(error) }, use, false, started);
      }
      throw error;
    }
  }

  async #askInTime(request: ModelRequest): Promise<ModelAnswer> {
    const { mostMs, over, signal } = this.time;
    try {
      return await this.model.ask(request, signal === undefined ? over : AbortSignal.any([signal, over]));
    } catch (error) {
      if (error instanceof GaveUp && signal?.aborted !== true && over.aborted)
        throw new ModelError('model_slow', `the analysis has taken the ${mostMs} ms that it may take`);
      throw error;
    }
  }

  #record(
    request: ModelRequest,
    answer: { text: string } | { error: ReturnType<typeof recordedError> },
    use: ModelUse,
    cached: boolean,
    started: number,
  ): void {
    this.tally.add(use);
    this.trace.write({
      kind: 'ask',
      by: this.by,
      system: request.system,
      user: request.user,
      max_answer_tokens: request.maxAnswerTokens,
      answer,
      prompt_tokens: use.promptTokens,
      answer_tokens: use.answerTokens,
      cost: use.cost,
      cached,
      ms: since(started),
    });
  }
}

/** A host whose every call is recorded with what it answered. */
export class RecordedHost implements ProgramHost {
  constructor(
    private readonly host: ProgramHost,
    private readonly trace: TraceSink,
  ) {}

  async call(primitive: Primitive, args: readonly unknown[]): Promise<unknown> {
    const started = performance.now();
    const base = { kind: 'call' as const, primitive, args: [...args] };
    try {
      const value = await this.host.call(primitive, args);
      this.trace.write({ ...base, answer: { value: value ?? null }, ms: since(started) });
      return value;
    } catch (error) {
      if (error instanceof FulcrumError)
        this.trace.write({ ...base, answer: { error: recordedError(error) }, ms: since(started) });
      throw error;
    }
  }
}
