import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { FulcrumError, messageOf } from '../errors.js';
import { parseTrace, type Trace, type TraceRecord } from '../rlm/navigate/trace.js';
import { requireFile } from './options.js';
import { colours, note, print, printJson, printTable } from './output.js';

export function traceCommand(program: Command): void {
  program
    .command('trace')
    .argument('<file>', 'a trace of an analysis with a model, as `analyze --trace FOLDER` writes it')
    .summary('show what an analysis with a model did, and do it again without the model')
    .description(
      'Prints what a model was asked, what its programs called, and what came of it; then runs the programs again with ' +
        'the recorded answers, without a model or the transcript, and says where the result differs. Ends with 1 if it does.',
    )
    .option('--json', 'print the result of the replay, the recorded one and the differences as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ fulcrum-trust trace traces/7a0c6f0e-6d35-4a8e-9f7e-0f5a7b1f9d11.jsonl',
    )
    .action(async (file: string, flags: { json?: boolean }) => {
      const trace = readTrace(file);
      if (flags.json !== true) printTrace(trace);
      const [{ replayTrace }, { runProgram }] = await Promise.all([
        import('../rlm/navigate/replay.js'),
        import('../rlm/program/run.js'),
      ]);
      const { result, differences } = await replayTrace(trace, runProgram);
      if (flags.json === true) printJson({ result, recorded: trace.result?.result, differences });
      else if (differences.length === 0) print(colours.green('replayed: the same result'));
      for (const difference of differences) note(`replayed otherwise: ${difference}`);
      if (differences.length > 0) process.exitCode = 1;
    });
}

function readTrace(file: string): Trace {
  requireFile(file);
  try {
    return parseTrace(readFileSync(file, 'utf8'));
  } catch (cause) {
    if (cause instanceof FulcrumError)
      throw new FulcrumError(cause.code, `${file} ${cause.message}`, { cause });
    throw new FulcrumError('input', `cannot read ${file}: ${messageOf(cause)}`, { cause });
  }
}

function printTrace({ start, records, result }: Trace): void {
  const { id, turns, model, at } = start;
  print(`${colours.bold(id)}  ${turns} turns, model ${model}, ${new Date(at * 1_000).toISOString()}`);
  printTable([['what', 'of', 'tokens', 'USD', 'ms', 'came to'], ...records.flatMap(rowOf)]);
  if (result === null) return;
  const { verdict, confidence, tokens, cost, summary } = result.result;
  print(
    `${verdict}  confidence ${confidence.toFixed(2)}, ${tokens} tokens, ${cost.toFixed(4)} USD, ${result.ms} ms`,
  );
  print(`  ${summary}`);
}

function rowOf(record: TraceRecord): (string | number)[][] {
  switch (record.kind) {
    case 'ask': {
      const { answer, prompt_tokens: prompt, answer_tokens: answered } = record;
      const said =
        'text' in answer ? line(answer.text) : `${answer.error.code}: ${line(answer.error.message)}`;
      const cached = record.cached ? ' (cached)' : '';
      return [['ask', record.by + cached, prompt + answered, record.cost.toFixed(4), record.ms, said]];
    }
    case 'program':
      return [['program', String(record.round), 0, '', 0, `${record.program.split('\n').length} lines`]];
    case 'call': {
      const { answer } = record;
      const came =
        'value' in answer
          ? line(JSON.stringify(answer.value) ?? '')
          : `${answer.error.code}: ${line(answer.error.message)}`;
      return [
        [
          'call',
          `${record.primitive}(${line(record.args.map((arg) => JSON.stringify(arg)).join(', '))})`,
          0,
          '',
          record.ms,
          came,
        ],
      ];
    }
    case 'ended': {
      const { end } = record;
      return [
        [
          'end',
          String(record.round),
          0,
          '',
          record.ms,
          end.kind === 'done' ? 'done' : `${end.kind}: ${line(end.cause)}`,
        ],
      ];
    }
    case 'claim':
      return [
        [
          'claim',
          record.claim.verdict,
          0,
          '',
          0,
          record.finding.kind === 'failed' ? `refused: ${line(record.finding.reason)}` : 'holds',
        ],
      ];
    case 'start':
    case 'result':
      return [];
  }
}

const mostLine = 60;

function line(text: string): string {
  const one = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return one.length > mostLine ? `${one.slice(0, mostLine - 3).toWellFormed()}...` : one;
}
