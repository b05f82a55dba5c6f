import { type Command, Option } from 'commander';
import { FulcrumError } from '../errors.js';
import { analyzeTranscript, failedAnalysis } from '../rlm/analyze.js';
import { ContextExhausted, largeTokenBudget } from '../rlm/context.js';
import type { AnalysisResult } from '../rlm/result.js';
import { readTranscripts, type TranscriptLine } from '../runtime/transcripts.js';
import { requireFile } from './options.js';
import { colours, note, print, printJson } from './output.js';

interface AnalyzeFlags {
  tokenBudget: number;
  strict?: boolean;
  json?: boolean;
}

export function analyzeCommand(program: Command): void {
  program
    .command('analyze')
    .argument(
      '<file>',
      'transcripts, one a line of JSON: {id?, turns: [{speaker, text, time?, event_id?}]}; - reads standard input',
    )
    .summary('say of transcripts whether they loop, how and where')
    .description(
      'Reads each transcript from its first turn to its last, without a model, and says whether it loops: the ' +
        'verdict, how sure it is, the turns it rests on, and whether the circuit could close again.',
    )
    .addOption(
      new Option('--token-budget <tokens>', 'tokens of a transcript at most, as white space parts them')
        .argParser(wholeTokens)
        .default(largeTokenBudget),
    )
    .option('--strict', 'stop at the first line that cannot be used (default: say which, and go on)')
    .option('--json', 'print one result a line, in the order of the file')
    .addHelpText('after', '\nExample:\n  $ fulcrum-trust analyze transcripts.jsonl --json')
    .action(async (file: string, flags: AnalyzeFlags) => {
      requireFile(file);
      for await (const line of readTranscripts(file)) {
        const result = await analyzeLine(line, file, flags);
        if (flags.json === true) printJson(result);
        else printResult(result);
      }
    });
}

/** A line that cannot be used has a result too, so that results and lines stay side by side. */
async function analyzeLine(line: TranscriptLine, file: string, flags: AnalyzeFlags): Promise<AnalysisResult> {
  try {
    if ('failure' in line) throw line.failure;
    return await analyzeTranscript(line.transcript, { tokenBudget: flags.tokenBudget });
  } catch (error) {
    if (!(error instanceof FulcrumError)) throw error;
    const where = `${file} line ${line.line}`;
    const what =
      error instanceof ContextExhausted ? `${where}: ${error.message}` : `${where} ${error.message}`;
    if (flags.strict === true) throw new FulcrumError(error.code, what, { cause: error });
    note(what);
    return failedAnalysis('transcript' in line ? line.transcript.id : `line-${line.line}`, new Error(what));
  }
}

function printResult({ id, verdict, confidence, summary, evidence, would_close }: AnalysisResult): void {
  const colour =
    verdict === 'none' ? colours.green : verdict === 'inconclusive' ? colours.yellow : colours.red;
  const advice = would_close ? 'the circuit could close' : 'the circuit should stay open';
  print(`${colours.bold(id)}  ${colour(verdict)}  confidence ${confidence.toFixed(2)}, ${advice}`);
  print(`  ${summary}`);
  for (const { handle, turns, excerpt } of evidence.slice(0, 1)) {
    print(
      colours.dim(`  ${handle}, turns ${turns.slice(0, 12).join(', ')}${turns.length > 12 ? ', ...' : ''}`),
    );
    for (const line of excerpt.split('\n')) print(colours.dim(`    ${line.slice(0, 120)}`));
  }
}

function wholeTokens(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new FulcrumError('usage', `--token-budget ${text}: must be a whole number above 0`);
  return value;
}
