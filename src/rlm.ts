/** `fulcrum-trust/rlm`: why a pair tripped, read from its transcript. */
export { type AnalyzeOptions, analyzeTranscript, failedAnalysis } from './rlm/analyze.js';
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
} from './rlm/context.js';
export { defaultParameters, type Parameters } from './rlm/detect/parameters.js';
export {
  type AnalysisResult,
  type Evidence,
  evidenceSchema,
  resultSchema,
  type Verdict,
  verdictSchema,
  verdicts,
} from './rlm/result.js';
export { type TokenCounter, whitespaceTokens } from './rlm/tokens.js';
export { parseTranscript, type Transcript, type Turn, transcriptLineSchema } from './rlm/transcript.js';
