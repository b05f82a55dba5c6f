import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { FulcrumError } from '../errors.js';
import type { Rejection } from '../ports.js';

/** Which column says what: a 0-based index, or a name of the header line. */
export interface CsvColumns {
  readonly source: string;
  readonly target: string;
  readonly rating: string;
  readonly time: string;
  /** The first line names the columns. */
  readonly header: boolean;
  /** Every source is folded into one agent of this name. */
  readonly intoAgent?: string;
}

export interface CsvRecord {
  /** The record as an interaction event, or what it was read from. */
  readonly body: Buffer;
  readonly malformed?: Rejection;
}

interface ParsedRow {
  readonly record: readonly string[];
  readonly raw: string;
}

/** Rows of ratings as bare interaction events. A row that is none says which column, and why. */
export async function* csvInteractions(
  chunks: AsyncIterable<Buffer>,
  columns: CsvColumns,
  where: string,
): AsyncGenerator<CsvRecord> {
  const parser = parse({
    bom: true,
    raw: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: 1024 * 1024,
  });
  // Whichever ends early ends the other: what cannot be read fails the parser, and the loop below tells it.
  pipeline(chunks, parser, () => {});
  let indexes: Indexes | null = columns.header ? null : indexesOf(columns, null, where);
  try {
    for await (const row of parser as AsyncIterable<ParsedRow>) {
      if (indexes === null) indexes = indexesOf(columns, row.record, where);
      else yield toInteraction(row, indexes, columns);
    }
  } catch (cause) {
    if (cause instanceof FulcrumError) throw cause;
    throw new FulcrumError('input', `${where} is not readable as CSV: ${(cause as Error).message}`, {
      cause,
    });
  }
}

type Indexes = Record<'source' | 'target' | 'rating' | 'time', number>;

function indexesOf(columns: CsvColumns, header: readonly string[] | null, where: string): Indexes {
  const indexOf = (flag: keyof Indexes): number => {
    const column = columns[flag];
    if (header?.includes(column)) return header.indexOf(column);
    if (/^\d+$/.test(column)) return Number(column);
    throw new FulcrumError(
      'usage',
      header === null
        ? `--${flag}-column ${column}: a name needs --header; without it give a 0-based index`
        : `--${flag}-column ${column}: ${where} has no such column (${header.slice(0, 20).join(', ')})`,
    );
  };
  return {
    source: indexOf('source'),
    target: indexOf('target'),
    rating: indexOf('rating'),
    time: indexOf('time'),
  };
}

function toInteraction({ record, raw }: ParsedRow, at: Indexes, columns: CsvColumns): CsvRecord {
  const malformed = (flag: keyof Indexes, rule: string): CsvRecord => ({
    body: Buffer.from(raw),
    malformed: { reason: 'invalid_event', field: `column ${columns[flag]} (${flag})`, rule },
  });
  for (const flag of ['source', 'target', 'rating', 'time'] as const)
    if (record[at[flag]] === undefined)
      return malformed(flag, `is missing: the row has ${record.length} columns`);
  const rating = toNumber(record[at.rating] as string);
  if (rating === null) return malformed('rating', 'must be a number');
  const time = record[at.time] as string;
  const event = {
    agent_a: columns.intoAgent ?? record[at.source],
    agent_b: record[at.target],
    outcome: rating > 0 ? 'success' : rating < 0 ? 'failure' : 'partial',
    time: toNumber(time) ?? time,
  };
  return { body: Buffer.from(JSON.stringify(event)) };
}

function toNumber(text: string): number | null {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : null;
}
