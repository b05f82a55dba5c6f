import type { AnalysisResult } from '../rlm/result.js';
import { colours, print } from './output.js';

/** An analysis for people to read. */
export function printResult(result: AnalysisResult): void {
  const { id, verdict, confidence, summary, evidence, would_close, tokens, cost, trace_id } = result;
  const colour =
    verdict === 'none' ? colours.green : verdict === 'inconclusive' ? colours.yellow : colours.red;
  const advice = would_close ? 'the circuit could close' : 'the circuit should stay open';
  print(`${colours.bold(id)}  ${colour(verdict)}  confidence ${confidence.toFixed(2)}, ${advice}`);
  print(`  ${summary}`);
  if (tokens > 0) {
    const traced = trace_id === null ? '' : `, trace ${trace_id}`;
    print(colours.dim(`  ${tokens} tokens of the model, ${cost.toFixed(4)} USD${traced}`));
  }
  for (const { handle, turns, excerpt } of evidence.slice(0, 1)) {
    print(
      colours.dim(`  ${handle}, turns ${turns.slice(0, 12).join(', ')}${turns.length > 12 ? ', ...' : ''}`),
    );
    for (const line of excerpt.split('\n')) print(colours.dim(`    ${line.slice(0, 120)}`));
  }
}
