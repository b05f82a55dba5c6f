import type { Command } from 'commander';
import { FulcrumError } from '../errors.js';
import type { CsvColumns } from '../streams/csv.js';

/** How the columns of a CSV file are read. */
export interface CsvFlags {
  sourceColumn?: string;
  targetColumn?: string;
  ratingColumn?: string;
  timeColumn?: string;
  header?: boolean;
  intoAgent?: string;
}

export function csvOptions(command: Command): Command {
  return command
    .option('--source-column <column>', 'CSV: who rated; a 0-based index, or a name with --header')
    .option('--target-column <column>', 'CSV: who was rated')
    .option('--rating-column <column>', 'CSV: above 0 is a success, below 0 a failure, 0 partial')
    .option('--time-column <column>', 'CSV: seconds since the epoch, or RFC 3339')
    .option('--header', 'CSV: the first line names the columns')
    .option('--into-agent <name>', 'CSV: fold every source into one agent of this name');
}

/** Null: the file is not CSV. @throws FulcrumError `usage` */
export function csvColumns(flags: CsvFlags): CsvColumns | null {
  const { sourceColumn: source, targetColumn: target, ratingColumn: rating, timeColumn: time } = flags;
  const given = [source, target, rating, time].filter((column) => column !== undefined);
  if (given.length === 0) {
    if (flags.header === true || flags.intoAgent !== undefined)
      throw new FulcrumError(
        'usage',
        '--header and --into-agent are for CSV: give the four column flags too',
      );
    return null;
  }
  const missing = Object.entries({ source, target, rating, time }).flatMap(([name, column]) =>
    column === undefined && !(name === 'source' && flags.intoAgent !== undefined) ? [`--${name}-column`] : [],
  );
  if (missing.length > 0) throw new FulcrumError('usage', `a CSV file needs ${missing.join(', ')} too`);
  return {
    source: source ?? (target as string),
    target: target as string,
    rating: rating as string,
    time: time as string,
    header: flags.header === true,
    ...(flags.intoAgent === undefined ? {} : { intoAgent: flags.intoAgent }),
  };
}
