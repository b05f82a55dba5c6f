import { analyzeTranscript } from '../../src/rlm/analyze.js';
import type { AnalysisResult } from '../../src/rlm/result.js';
import { resultSchema } from '../../src/rlm/result.js';
import type { Turn } from '../../src/rlm/transcript.js';

/** `speaker: text` lines as turns. */
export function talk(...lines: readonly string[]): Turn[] {
  return lines.map((line) => {
    const at = line.indexOf(': ');
    return { speaker: line.slice(0, at), text: line.slice(at + 2) };
  });
}

/** The same turns so many times over; `{i}` counts the rounds from 1. */
export function times(count: number, ...lines: readonly string[]): Turn[] {
  return Array.from({ length: count }, (_, i) =>
    lines.map((line) => line.replaceAll('{i}', String(i + 1))),
  ).flatMap((round) => talk(...round));
}

/** The result of turns, which is always one that its schema takes. */
export async function analysisOf(turns: readonly Turn[]): Promise<AnalysisResult> {
  return resultSchema.parse(
    await analyzeTranscript({ id: 'a', session: 's', turns }, { tokenBudget: 10_000_000 }),
  );
}
