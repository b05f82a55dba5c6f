/** `analyze FILE`: transcripts of a file. */
import type { Config } from '../config.js';
import { FulcrumError } from '../errors.js';
import { failedAnalysis } from '../rlm/analyze.js';
import { ContextExhausted } from '../rlm/context.js';
import type { AnalysisResult } from '../rlm/result.js';
import type { Analyze } from '../rlm/worker/work.js';
import { analyzerOf } from '../runtime/analysis.js';
import { readTranscripts, type TranscriptLine } from '../runtime/transcripts.js';
import { printResult } from './analysis-output.js';
import { requireFile } from './options.js';
import { note, printJson } from './output.js';

export interface FileFlags {
  readonly strict?: boolean;
  readonly json?: boolean;
}

export async function analyzeFile(file: string, config: Config, flags: FileFlags): Promise<void> {
  requireFile(file);
  const analyze = await analyzerOf(config);
  for await (const line of readTranscripts(file)) {
    const result = await analyzeLine(line, file, flags, analyze);
    if (flags.json === true) printJson(result);
    else printResult(result);
  }
}

/** A line that cannot be used has a result too, so that results and lines stay side by side. */
async function analyzeLine(
  line: TranscriptLine,
  file: string,
  { strict }: FileFlags,
  analyze: Analyze,
): Promise<AnalysisResult> {
  try {
    if ('failure' in line) throw line.failure;
    return await analyze(line.transcript, new AbortController().signal);
  } catch (error) {
    // A folder that cannot be written to is no line's fault.
    if (!(error instanceof FulcrumError) || error.code === 'usage') throw error;
    const where = `${file} line ${line.line}`;
    const what =
      error instanceof ContextExhausted ? `${where}: ${error.message}` : `${where} ${error.message}`;
    if (strict === true) throw new FulcrumError(error.code, what, { cause: error });
    note(what);
    return failedAnalysis('transcript' in line ? line.transcript.id : `line-${line.line}`, new Error(what));
  }
}
