import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { FulcrumError, messageOf } from '../errors.js';
import type { EventSink, EventSource, SinkMessage, SourceBatch, SourceMessage } from '../ports.js';
import { type CsvColumns, csvInteractions } from './csv.js';
import { type FileRecord, oversize, splitLines } from './lines.js';

export interface FileSourceOptions {
  /** Path of the file; `-` is standard input. */
  readonly path: string;
  /** How a CSV file's columns are read; absent: the file is NDJSON. */
  readonly csv?: CsvColumns;
  /** Largest event, in bytes. */
  readonly maxEventBytes: number;
}

/** Interactions of a file, one a line. A record's position is its number, so a file read again counts once. */
export class FileSource implements EventSource {
  readonly system = 'file';
  readonly headerPrefix = 'ce-';
  private sequence = 0;
  private closed = false;
  /** Bytes read so far. */
  bytesRead = 0;
  /** Why reading ended before the file did; null: it did not. Reading it again would not mend it. */
  failure: FulcrumError | null = null;

  /** What comes next, where it was asked for. */
  private upcoming: Promise<FileRecord | null> | null;

  private constructor(
    readonly name: string,
    /** Of the whole file; 0 when it is not known. */
    readonly sizeBytes: number,
    private readonly path: string,
    private readonly input: Readable,
    private readonly records: AsyncIterator<FileRecord>,
    first: FileRecord | null,
    private readonly counter: { bytes: number },
    /** A pipe, whose next line may be long in coming. */
    private readonly mayPause: boolean,
  ) {
    this.upcoming = Promise.resolve(first);
  }

  /** @throws FulcrumError `input` when the file cannot be read. */
  static async open(options: FileSourceOptions): Promise<FileSource> {
    const { path } = options;
    const stdin = path === '-';
    const counter = { bytes: 0 };
    let sizeBytes = 0;
    let identity = path;
    let mayPause = stdin;
    try {
      if (!stdin) {
        const stats = await stat(path);
        if (stats.isDirectory()) throw new FulcrumError('input', `${path} is a folder: name a file`);
        sizeBytes = stats.size;
        mayPause = !stats.isFile();
        identity = await realpath(path);
      }
      const input = stdin ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 });
      const records = readRecords(counted(input, counter), options);
      const first = await records.next();
      const record = first.done === true ? null : first.value;
      const name = nameOf(identity, record, options.csv);
      return new FileSource(name, sizeBytes, path, input, records, record, counter, mayPause);
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }

  /** Waits for the first message for ever, and no longer than `maxWaitMs` for those after it. */
  async read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null> {
    const messages: SourceMessage[] = [];
    let paused: Promise<null> | null = null;
    while (messages.length < maxMessages && !this.closed) {
      if (this.mayPause && messages.length === 1) paused = sleep(maxWaitMs, null, { ref: false });
      this.upcoming ??= this.next();
      const record: FileRecord | null = await (paused === null
        ? this.upcoming
        : Promise.race([this.upcoming, paused]));
      if (record === null) break;
      this.upcoming = null;
      this.sequence++;
      messages.push({
        ...record,
        headers: {},
        tenant: null,
        position: { source: this.name, sequence: this.sequence },
        receivedAt: null,
      });
    }
    this.bytesRead = this.counter.bytes;
    return messages.length === 0 ? null : { messages, ack: () => {} };
  }

  close(): void {
    this.closed = true;
    // Nothing may be coming: a read under way would wait for it.
    this.input.destroy();
  }

  private async next(): Promise<FileRecord | null> {
    try {
      const result = await this.records.next();
      return result.done === true ? null : result.value;
    } catch (cause) {
      if (!this.closed) this.failure = unreadable(this.path, cause);
      return null;
    }
  }
}

function unreadable(path: string, cause: unknown): FulcrumError {
  if (cause instanceof FulcrumError) return cause;
  return new FulcrumError('input', `${path} cannot be read: ${messageOf(cause)}`, { cause });
}

async function* counted(input: AsyncIterable<Buffer>, counter: { bytes: number }): AsyncGenerator<Buffer> {
  for await (const chunk of input) {
    counter.bytes += chunk.length;
    yield chunk;
  }
}

async function* readRecords(
  chunks: AsyncIterable<Buffer>,
  options: FileSourceOptions,
): AsyncGenerator<FileRecord> {
  const { maxEventBytes } = options;
  if (options.csv !== undefined) {
    yield* csvInteractions(chunks, options.csv, options.path, maxEventBytes);
    return;
  }
  for await (const line of splitLines(chunks, maxEventBytes + 1)) {
    if (isBlank(line.bytes)) continue;
    yield line.sha256 === undefined ? { body: line.bytes } : oversize(line, maxEventBytes);
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09);
}

/**
 * A file is known by its path, its first record and how it is read: one that has grown goes on where it was,
 * and another one in its place, or the same with other columns, is another source.
 */
function nameOf(path: string, first: FileRecord | null, csv: CsvColumns | undefined): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([path, csv ?? null]))
    .update(first?.body ?? '');
  return `file:${hash.digest('hex').slice(0, 16)}`;
}

/** Appends dead letters to a file, one JSON object a line, synced before they count as published. */
export class FileSink implements EventSink {
  constructor(private readonly path: string) {}

  async publish(messages: readonly SinkMessage[]): Promise<void> {
    const lines = messages.map((message) => `${JSON.stringify(deadLetterLine(message))}\n`).join('');
    const file = await open(this.path, 'a+');
    try {
      // A crash or a full disk may have left half a line: it must not spoil the next one.
      await file.appendFile((await endsInLine(file)) ? `\n${lines}` : lines);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

async function endsInLine(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer[0] !== 0x0a;
}

/** A message as one JSON object; a body that is not UTF-8 is base64. */
export function deadLetterLine(message: SinkMessage): Record<string, unknown> {
  const bytes = Buffer.from(message.body);
  const text = bytes.toString('utf8');
  const exact = Buffer.from(text, 'utf8').equals(bytes);
  return {
    id: message.id,
    tenant: message.tenant,
    reason: message.key,
    headers: message.headers,
    ...(exact ? { body: text } : { body_base64: bytes.toString('base64') }),
  };
}
