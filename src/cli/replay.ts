import type { Command } from 'commander';
import { loadConfig, overridesOf } from '../config.js';
import { FulcrumError, messageOf } from '../errors.js';
import { formatTime } from '../events/time.js';
import type { ReplayRequest, ReplayResult } from '../runtime/replay.js';
import { type CompareFlags, compareOptions, comparisonOf } from './compare.js';
import { type CsvFlags, csvColumns, csvOptions } from './csv.js';
import { collect, positive, requireFile, requireWritable } from './options.js';
import { circuitLine, note, print, printJson, printTable } from './output.js';
import { interruptedExitCode, progressBar } from './progress.js';
import { type WhatIfFlags, whatIfOf, whatIfOption } from './what-if.js';

interface ReplayFlags extends CsvFlags, CompareFlags, WhatIfFlags {
  compare?: true | string[];
  config?: string;
  data?: string;
  deadLetters?: string;
  speed?: number;
  timedRecovery: boolean;
  events?: boolean;
  set: string[];
  json?: boolean;
}

/** Refused records that are shown before it is left at counting them. */
const shownRefusals = 10;

export function replayCommand(program: Command): void {
  const command = csvOptions(
    program
      .command('replay')
      .argument('[file]', 'NDJSON interactions, or CSV with the column flags; - reads standard input')
      .summary('run a log of interactions through the pipeline')
      .description(
        'Runs a file of interactions through the whole pipeline on their own time, and says which circuits ' +
          'would have opened. In memory, unless --data names a folder; into a folder, a replay that was ' +
          'interrupted goes on where it was, and nothing counts twice.',
      )
      .option('-c, --config <file>', 'config file with the trust knobs and policies (FULCRUM_CONFIG)')
      .option('-d, --data <folder>', 'keep the state in this data folder')
      .option('--dead-letters <file>', 'append what cannot be accepted to this file, with the reason'),
  );
  whatIfOption(compareOptions(command))
    .option('--speed <factor>', 'times real time (default: as fast as it goes)', positive('--speed'))
    .option('--no-timed-recovery', 'circuits of silent pairs wait for an event')
    .option('--events', 'print every circuit event too')
    .option('--set <key=value>', 'any config key, e.g. --set trust.threshold=0.4; repeatable', collect, [])
    .option('--json', 'print JSON; the last line is the summary')
    .addHelpText(
      'after',
      `
Examples:
  $ fulcrum-trust replay interactions.ndjson --data ./trust
  $ fulcrum-trust replay ratings.csv --source-column 0 --target-column 1 --rating-column 2 --time-column 3
  $ fulcrum-trust replay interactions.ndjson --compare --cooldown 60
  $ fulcrum-trust replay interactions.ndjson --config config.yaml --what-if policy.yaml`,
    )
    .action(async (named: string | undefined, flags: ReplayFlags) => {
      const file = named ?? fileAfterPolicies(flags);
      const overrides = {
        ...overridesOf(flags.set),
        ...(flags.timedRecovery ? {} : { timedRecovery: false }),
      };
      const { config } = loadConfig(flags.config ?? null, overrides);
      const comparison = whatIfOf(flags, config, overrides) ?? comparisonOf(flags, config);
      if (comparison !== null && flags.data !== undefined)
        throw new FulcrumError('usage', '--compare and --what-if judge a whole log: leave out --data');
      requireFile(file);
      if (flags.deadLetters !== undefined) requireWritable('--dead-letters', flags.deadLetters);
      const bar = progressBar(flags.events !== true);
      const interrupted = new AbortController();
      process.once('SIGINT', () => interrupted.abort());
      process.once('SIGTERM', () => interrupted.abort());
      const request: ReplayRequest = {
        config,
        file,
        csv: csvColumns(flags),
        dataDir: flags.data ?? null,
        deadLetters: flags.deadLetters ?? null,
        speed: flags.speed ?? null,
        signal: interrupted.signal,
        onCircuit: (event) => {
          if (flags.events !== true) return;
          if (flags.json === true) printJson(event);
          else print(circuitLine(event, formatTime(Math.round(event.data.occurred_at))));
        },
        ...(comparison === null ? {} : { onApplied: comparison.event }),
        onRefused: refusalNotes(),
        onProgress: ({ events, bytes, totalBytes }) => bar.update(events, bytes, totalBytes),
        weather: {
          failed: (what, error) => note(`cannot ${what}, trying again: ${messageOf(error)}`),
          recovered: (what) => note(`can ${what} again`),
        },
      };
      const { replay } = await import('../runtime/replay.js');
      const result = await replay(request).finally(() => bar.stop());
      if (interrupted.signal.aborted) {
        note('interrupted: the summary is of what was read');
        process.exitCode = interruptedExitCode;
      }
      if (comparison !== null) comparison.print(flags.json === true);
      else if (flags.json === true) printJson(result.summary);
      else printSummary(result);
      noteOutcome(result);
    });
}

/** `--compare one two log.ndjson`: the option takes all words, and the last is the file. */
function fileAfterPolicies({ compare }: ReplayFlags): string {
  const file = Array.isArray(compare) ? compare.pop() : undefined;
  if (file === undefined) throw new FulcrumError('usage', 'name the file that is to be replayed');
  return file;
}

function refusalNotes(): ReplayRequest['onRefused'] {
  let shown = 0;
  return (record, { reason, field, rule }) => {
    if (shown++ < shownRefusals) note(`record ${record}: ${reason}: ${`${field} ${rule}`.trim()}`);
    else if (shown === shownRefusals + 1) note('further refused records are counted, not shown');
  };
}

function printSummary({ summary }: ReplayResult): void {
  const rows: [string, number][] = [
    ['events applied', summary.events],
    ['pairs', summary.pairs],
    ['pairs whose circuit opened', summary.everOpened],
    ['times opened', summary.opened],
    ['times half-opened', summary.halfOpened],
    ['times closed by an interaction', summary.closed],
    ['times closed by time', summary.closedByTime],
    ['open at the end', summary.openAtEnd],
    ['dead letters', summary.deadLetters],
    ['events a second', summary.eventsPerSecond],
  ];
  printTable([['replay', 'count'], ...rows]);
}

function noteOutcome({ summary, uncounted, deadLetters }: ReplayResult): void {
  const { repeats, duplicates, superseded } = uncounted;
  if (repeats > 0) note(`${repeats} events were in the data folder already and did not count again`);
  if (duplicates > 0) note(`${duplicates} events were sent twice by their producer and counted once`);
  if (superseded > 0) note(`${superseded} events lie before a reset of their pair and did not count`);
  if (summary.deadLetters > 0)
    note(
      deadLetters === null ? 'name --dead-letters FILE to keep them' : `dead letters are in ${deadLetters}`,
    );
}
