import { type ErrorCode, FulcrumError } from '../../errors.js';
import type { ModelUse } from '../ports.js';

/** What can go wrong with a model; docs/errors.md says what each stands for. */
export type ModelErrorCode = Extract<ErrorCode, `model_${string}`>;

export const nothingUsed: ModelUse = { promptTokens: 0, answerTokens: 0, cost: 0 };

/** What is known of a failure of a model. */
export interface ModelErrorOptions extends ErrorOptions {
  /** How long the endpoint asks to be left alone, ms. */
  readonly retryAfterMs?: number | null;
  /** What was used up nevertheless. */
  readonly use?: ModelUse;
  /** false: the same would be answered again. */
  readonly passing?: boolean;
}

const passingCodes: readonly ModelErrorCode[] = ['model_away', 'model_slow', 'model_rate_limited'];

/** A model that cannot be asked, or whose answer cannot be used. Its message has no key in it. */
export class ModelError extends FulcrumError {
  readonly retryAfterMs: number | null;
  readonly use: ModelUse;
  /** Can the same request, asked again, be answered? */
  readonly passing: boolean;

  constructor(
    override readonly code: ModelErrorCode,
    message: string,
    { retryAfterMs = null, use = nothingUsed, passing, ...options }: ModelErrorOptions = {},
  ) {
    super(code, message, options);
    this.retryAfterMs = retryAfterMs;
    this.use = use;
    this.passing = passing ?? passingCodes.includes(code);
  }
}
