import { type Amounts, type Budget, type BudgetBounds, defaultBounds } from '../budget.js';
import { ModelError } from '../model/error.js';
import type { Model, ModelAnswer, ModelRequest, ModelUse } from '../ports.js';

/** Of an analysis with a model: some three times what a typical one takes, and time for a model that is slow. */
export const defaultModelBounds: BudgetBounds = {
  ...defaultBounds,
  modelCalls: 24,
  tokens: 24_000,
  cost: 1,
  wallMs: 300_000,
};

/** Tokens of an answer at most. */
export interface AnswerTokens {
  /** Of the root model, with a program. */
  readonly program: number;
  /** Of a sub-call. */
  readonly sub: number;
}

/** Tokens of an answer at most. */
export const defaultAnswerTokens: AnswerTokens = { program: 900, sub: 200 };

/** What one request takes of a budget. */
export function amountsOf({ promptTokens, answerTokens, cost }: ModelUse): Amounts {
  return { modelCalls: 1, tokens: promptTokens + answerTokens, cost };
}

/** A model that is asked only for what the budget has left. */
export class BudgetedModel implements Model {
  readonly name: string;

  constructor(
    private readonly model: Model,
    private readonly budget: Budget,
  ) {
    this.name = model.name;
  }

  atMost(request: ModelRequest): ModelUse {
    return this.model.atMost(request);
  }

  /** @throws BudgetExhausted; and what the model throws */
  async ask(request: ModelRequest, signal?: AbortSignal): Promise<ModelAnswer> {
    const reservation = this.budget.reserve(amountsOf(this.atMost(request)));
    try {
      const answer = await this.model.ask(request, signal);
      reservation.settle(amountsOf(answer.use));
      return answer;
    } catch (error) {
      if (error instanceof ModelError) reservation.settle(amountsOf(error.use));
      throw error;
    } finally {
      reservation.release();
    }
  }
}
