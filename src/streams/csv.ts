import { parse } from 'csv-parse/sync';
import { FulcrumError, messageOf } from '../errors.js';
import { type FileRecord, oversize, splitLines } from './lines.js';

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

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Rows of ratings as bare interaction events. A row that is none says which column, and why; a row is a line, so
 * one quote that is not closed costs one row and not the rest of the file.
 *
 * @param maxRowBytes a longer row is refused.
 */
export async function* csvInteractions(
  chunks: AsyncIterable<Buffer>,
  columns: CsvColumns,
  where: string,
  maxRowBytes: number,
): AsyncGenerator<FileRecord> {
  let indexes: Indexes | null = columns.header ? null : indexesOf(columns, null, where);
  for await (const line of splitLines(chunks, maxRowBytes + 1)) {
    if (line.sha256 !== undefined) {
      yield oversize(line, maxRowBytes);
      continue;
    }
    const row = parseRow(line.bytes);
    if (row === null) continue;
    if (!('fields' in row)) yield row;
    else if (indexes === null) indexes = indexesOf(columns, row.fields, where);
    else yield toInteraction(line.bytes, row.fields, indexes, columns);
  }
}

/** The fields of a line, null when it is blank. */
function parseRow(bytes: Buffer): { readonly fields: readonly string[] } | FileRecord | null {
  let text: string;
  try {
    // A decoder drops the byte order mark that a file may begin with.
    text = utf8.decode(bytes);
  } catch {
    return { body: bytes, malformed: { reason: 'invalid_event', field: '', rule: 'must be UTF-8' } };
  }
  if (text.trim() === '') return null;
  if (!text.includes('"')) return { fields: text.split(',') };
  try {
    const [fields = []] = parse(text, { relax_column_count: true, relax_quotes: true });
    return { fields };
  } catch (error) {
    const rule = `must be CSV: ${messageOf(error)}`;
    return { body: bytes, malformed: { reason: 'invalid_event', field: '', rule } };
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

function toInteraction(row: Buffer, record: readonly string[], at: Indexes, columns: CsvColumns): FileRecord {
  const malformed = (flag: keyof Indexes, rule: string): FileRecord => ({
    body: row,
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
