import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { FulcrumError, messageOf } from '../errors.js';
import { parseTranscript, type Transcript } from '../rlm/transcript.js';
import { splitLines } from '../streams/lines.js';

/** A line is one string, and V8 has none that is longer; 10 million tokens are some 70 MB. */
const mostLineBytes = 500_000_000;

/** One line of a file of transcripts: what it says, or why it cannot be used. */
export type TranscriptLine =
  | { readonly line: number; readonly transcript: Transcript }
  | { readonly line: number; readonly failure: FulcrumError };

/**
 * The transcripts of a file, one a line, one held at a time; empty lines are passed over.
 * @param path `-` is standard input
 * @throws FulcrumError `input` when the file cannot be read
 */
export async function* readTranscripts(path: string): AsyncGenerator<TranscriptLine> {
  const input: Readable =
    path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1024 * 1024 });
  let line = 0;
  try {
    for await (const { bytes, length } of splitLines(input, mostLineBytes)) {
      line += 1;
      if (length > mostLineBytes) yield { line, failure: tooLong(length) };
      else if (bytes.some((byte) => byte !== 0x20 && byte !== 0x09)) yield parsed(line, bytes);
    }
  } catch (cause) {
    throw new FulcrumError('input', `cannot read ${path}: ${messageOf(cause)}`, { cause });
  } finally {
    input.destroy();
  }
}

function parsed(line: number, bytes: Buffer): TranscriptLine {
  try {
    return { line, transcript: parseTranscript(bytes.toString(), `line-${line}`) };
  } catch (error) {
    if (error instanceof FulcrumError) return { line, failure: error };
    throw error;
  }
}

function tooLong(length: number): FulcrumError {
  return new FulcrumError('input', `has ${length} bytes, a line has ${mostLineBytes} at most`);
}
