/**
 * `fulcrum-trust/rlm`: why a pair tripped, read from its transcript.
 *
 * @module fulcrum-trust/rlm
 */
export { type AnalyzeOptions, analyzeTranscript, failedAnalysis } from './rlm/analyze.js';
export { type BudgetBounds, BudgetExhausted } from './rlm/budget.js';
export {
  Context,
  ContextExhausted,
  type ContextOptions,
  defaultPartitionTokens,
  defaultTokenBudget,
  handleOf,
  largeTokenBudget,
  type Partition,
  Partitioner,
  type Piece,
  type TurnAt,
} from './rlm/context.js';
export { defaultParameters, type Parameters } from './rlm/detect/parameters.js';
export type { Backoff } from './rlm/model/backoff.js';
export { modelTokens } from './rlm/model/count.js';
export { Endpoint, type EndpointOptions, type EndpointParts } from './rlm/model/endpoint.js';
export { ModelError, type ModelErrorCode, type ModelErrorOptions } from './rlm/model/error.js';
export { analyzeWithModel } from './rlm/navigate/analyze.js';
export { type AnswerTokens, defaultAnswerTokens, defaultModelBounds } from './rlm/navigate/budget.js';
export type { AnalyzeWithModel, ModelAnalysisOptions } from './rlm/navigate/options.js';
export type {
  Model,
  ModelAnswer,
  ModelRequest,
  ModelUse,
  Primitive,
  ProgramEnd,
  ProgramHost,
  ProgramLimits,
  RunProgram,
} from './rlm/ports.js';
export { primitives } from './rlm/ports.js';
export {
  type AnalysisResult,
  type Evidence,
  evidenceSchema,
  resultSchema,
  type Verdict,
  verdictSchema,
  verdicts,
} from './rlm/result.js';
export { type Tokenizer, tokenCounter, tokenizers } from './rlm/tokenizer.js';
export { type TokenCounter, whitespaceTokens } from './rlm/tokens.js';
export { parseTranscript, type Transcript, type Turn, transcriptLineSchema } from './rlm/transcript.js';
