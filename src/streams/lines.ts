import { createHash, type Hash } from 'node:crypto';
import type { SourceMessage } from '../ports.js';

export interface Line {
  /** Without its line ending; cut after the bytes asked for. */
  readonly bytes: Buffer;
  /** Of the whole line. */
  readonly length: number;
  /** Hex SHA-256 of the whole line, where `bytes` is only its beginning. */
  readonly sha256?: string;
}

const newline = 0x0a;
const carriageReturn = 0x0d;

/**
 * Splits bytes into lines without holding more than `mostBytes` of one, however long it is. A last line
 * without a newline counts; an empty one after it does not.
 */
export async function* splitLines(chunks: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let kept = 0;
  let length = 0;
  let hash: Hash | null = null;
  const take = (part: Buffer): void => {
    length += part.length;
    if (length > mostBytes && hash === null) {
      hash = createHash('sha256');
      for (const before of parts) hash.update(before);
    }
    hash?.update(part);
    if (kept >= mostBytes || part.length === 0) return;
    const fitting = part.subarray(0, mostBytes - kept);
    parts.push(fitting);
    kept += fitting.length;
  };
  const finish = (): Line => {
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    const ended = length === bytes.length && bytes.at(-1) === carriageReturn;
    const line: Line = {
      bytes: ended ? bytes.subarray(0, -1) : bytes,
      length: ended ? length - 1 : length,
      ...(hash === null ? {} : { sha256: hash.digest('hex') }),
    };
    hash = null;
    parts = [];
    kept = 0;
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      take(chunk.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    take(chunk.subarray(start));
  }
  if (length > 0) yield finish();
}

/** One record of a file: what there is of a message before it has a place. */
export type FileRecord = Pick<SourceMessage, 'body' | 'malformed' | 'original'>;

/** A line that is longer than an event may be, of which only the beginning is kept. */
export function oversize(line: Line, mostBytes: number): FileRecord {
  return {
    body: line.bytes,
    original: { bytes: line.length, sha256: line.sha256 ?? '' },
    malformed: {
      reason: 'too_large',
      field: '',
      rule: `must have at most ${mostBytes} bytes, has ${line.length}`,
    },
  };
}
