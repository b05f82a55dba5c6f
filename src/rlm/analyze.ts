import { conclude } from './combine.js';
import { type ContextOptions, Partitioner } from './context.js';
import { Scanner } from './detect/scan.js';
import type { AnalysisResult } from './result.js';
import type { Transcript } from './transcript.js';

/**
 * Reads a transcript once from its first turn to its last, without a model, and says whether it loops. Holds the last
 * turns and what was found, however long the transcript is.
 * @throws ContextExhausted when it has more tokens than the budget
 */
export async function analyzeTranscript(
  { id, session, turns }: Transcript,
  options: ContextOptions = {},
): Promise<AnalysisResult> {
  const partitioner = new Partitioner(session, options);
  const scanner = new Scanner();
  if (Symbol.iterator in turns) for (const turn of turns) scanner.see(turn, partitioner.place(turn.text));
  else for await (const turn of turns) scanner.see(turn, partitioner.place(turn.text));
  return { id, ...conclude(scanner.end(), session), tokens: 0, cost: 0, trace_id: null };
}
