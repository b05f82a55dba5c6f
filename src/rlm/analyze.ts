import { messageOf } from '../errors.js';
import { type Conclusion, conclude, inconclusive } from './combine.js';
import { type ContextOptions, Partitioner } from './context.js';
import { defaultParameters, type Parameters } from './detect/parameters.js';
import { Scanner } from './detect/scan.js';
import { type AnalysisResult, mostSummaryLength } from './result.js';
import type { Transcript } from './transcript.js';

/** How a transcript is read without a model. */
export interface AnalyzeOptions extends ContextOptions {
  /** Numbers of the rules that are to differ from the defaults. */
  readonly parameters?: Partial<Parameters>;
}

/**
 * Reads a transcript once from its first turn to its last, without a model, and says whether it loops. Holds the last
 * turns and what was found, however long the transcript is.
 * @throws ContextExhausted when it has more tokens than the budget
 */
export async function analyzeTranscript(
  { id, session, turns }: Transcript,
  { parameters, ...limits }: AnalyzeOptions = {},
): Promise<AnalysisResult> {
  const partitioner = new Partitioner(session, limits);
  const scanner = scannerOf(parameters);
  if (Symbol.iterator in turns) for (const turn of turns) scanner.see(turn, partitioner.place(turn.text));
  else for await (const turn of turns) scanner.see(turn, partitioner.place(turn.text));
  return withoutModel(id, conclude(scanner.end(), session));
}

/** Detectors under the numbers of an analysis. */
export function scannerOf(parameters: AnalyzeOptions['parameters']): Scanner {
  return new Scanner({ ...defaultParameters, ...parameters });
}

/** The result of an analysis that failed, with its cause. */
export function failedAnalysis(id: string, error: unknown): AnalysisResult {
  const cause = `No analysis was made: ${messageOf(error)}`.slice(0, mostSummaryLength - 40).toWellFormed();
  return withoutModel(id, inconclusive(`${cause}. Nothing is known of a loop.`));
}

/** A result that took no model. */
export function withoutModel(id: string, conclusion: Conclusion): AnalysisResult {
  return { id, ...conclusion, tokens: 0, cost: 0, trace_id: null };
}
