import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FulcrumError } from '../../src/errors.js';
import type { SourceMessage } from '../../src/ports.js';
import type { CsvColumns } from '../../src/streams/csv.js';
import { FileSource, type FileSourceOptions } from '../../src/streams/file.js';
import { freshPaths } from '../helpers/folders.js';

const freshPath = freshPaths();
const columns: CsvColumns = { source: '0', target: '1', rating: '2', time: '3', header: false };

afterEach(() => {
  vi.restoreAllMocks();
});

function fileOf(text: string | Uint8Array): string {
  const path = freshPath();
  writeFileSync(path, text);
  return path;
}

const open = (path: string, options: Partial<FileSourceOptions> = {}): Promise<FileSource> =>
  FileSource.open({ path, maxEventBytes: 100, ...options });

async function readAll(source: FileSource): Promise<SourceMessage[]> {
  const messages: SourceMessage[] = [];
  for (let batch = await source.read(2, 10); batch !== null; batch = await source.read(2, 10))
    messages.push(...batch.messages);
  return messages;
}

const textsOf = (messages: readonly SourceMessage[]): string[] =>
  messages.map(({ body }) => Buffer.from(body).toString());

describe('a file of interactions', () => {
  it('gives one message a line, each with its number as its place', async () => {
    const source = await open(fileOf('{"a":1}\n{"a":2}\r\n\n \t\n{"a":3}'));
    const messages = await readAll(source);
    expect(textsOf(messages)).toEqual(['{"a":1}', '{"a":2}', '{"a":3}']);
    expect(messages.map(({ position }) => position)).toEqual(
      [1, 2, 3].map((sequence) => ({ source: source.name, sequence })),
    );
    expect(messages[0]).toMatchObject({ headers: {}, tenant: null, receivedAt: null });
  });

  it('gives no more at a time than is asked for, then the end, again and again', async () => {
    const source = await open(fileOf('1\n2\n3\n'));
    expect((await source.read(2, 10))?.messages).toHaveLength(2);
    expect((await source.read(2, 10))?.messages).toHaveLength(1);
    expect(await source.read(2, 10)).toBeNull();
    expect(await source.read(2, 10)).toBeNull();
    expect(source.failure).toBeNull();
  });

  it('says how far it is read', async () => {
    const source = await open(fileOf('{"a":1}\n{"a":2}\n'));
    expect(source.sizeBytes).toBe(16);
    await readAll(source);
    expect(source.bytesRead).toBe(16);
  });

  it('may be empty', async () => {
    for (const text of ['', '\n', '\r\n \n']) expect(await readAll(await open(fileOf(text)))).toEqual([]);
  });

  it('keeps bytes that are no text as they are', async () => {
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    const [message] = await readAll(await open(fileOf(bytes)));
    expect(Buffer.from(message?.body ?? []).equals(bytes)).toBe(true);
  });

  it('gives the beginning of a line over the limit, malformed, and goes on after it', async () => {
    const long = 'x'.repeat(1_000_000);
    const messages = await readAll(await open(fileOf(`${long}\n${'y'.repeat(100)}\r\n`)));
    expect(messages).toHaveLength(2);
    expect(messages[0]).toMatchObject({
      original: { bytes: 1_000_000, sha256: createHash('sha256').update(long).digest('hex') },
      malformed: {
        reason: 'too_large',
        field: '',
        rule: 'must have at most 100 bytes, has 1000000',
      },
    });
    expect(messages[0]?.body.byteLength).toBeLessThanOrEqual(101);
    expect(textsOf(messages.slice(1))).toEqual(['y'.repeat(100)]);
    expect(messages[1]).not.toHaveProperty('malformed');
  });

  it('may be a CSV file', async () => {
    const source = await open(fileOf('a,b,1,5\nbad\n'), { csv: columns });
    const messages = await readAll(source);
    expect(messages[0]).not.toHaveProperty('malformed');
    expect(textsOf(messages)).toEqual(['{"agent_a":"a","agent_b":"b","outcome":"success","time":5}', 'bad']);
    expect(messages[1]).toMatchObject({
      position: { sequence: 2 },
      malformed: { reason: 'invalid_event', field: 'column 1 (target)' },
    });
  });

  it('ends when it is closed', async () => {
    const source = await open(fileOf('1\n2\n3\n'));
    await source.read(1, 10);
    source.close();
    expect(await source.read(1, 10)).toBeNull();
    expect(source.failure).toBeNull();
  });
});

describe('a file that cannot be read', () => {
  it('is named when it is not there', async () => {
    const path = freshPath();
    const error = await open(path).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(FulcrumError);
    expect(error).toMatchObject({
      code: 'input',
      message: expect.stringContaining(`${path} cannot be read`),
    });
  });

  it('is named when it is a folder', async () => {
    const path = freshPath();
    mkdirSync(path);
    await expect(open(path)).rejects.toMatchObject({
      code: 'input',
      message: `${path} is a folder: name a file`,
    });
  });

  it('is told of at once when its columns are wrong', async () => {
    const csv = { ...columns, header: true, rating: 'stars' };
    await expect(open(fileOf('a,b,c,d\n1,2,3,4\n'), { csv })).rejects.toMatchObject({ code: 'usage' });
  });

  it('goes on after a line that is no CSV', async () => {
    const source = await open(fileOf('a,b,1,5\na,"b,1,5\na,b,1,6\n'), { csv: columns });
    const messages = await readAll(source);
    expect(messages.map(({ malformed }) => malformed !== undefined)).toEqual([false, true, false]);
    expect(source.failure).toBeNull();
  });

  it('ends early and says why when it cannot be read on', async () => {
    const input = new PassThrough();
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin);
    input.write('{"a":1}\n{"a":2}\n');
    const source = await FileSource.open({ path: '-', maxEventBytes: 100 });
    const reading = source.read(10, 10);
    input.destroy(new Error('EIO: i/o error'));
    await reading;
    expect(source.failure).toMatchObject({ code: 'input', message: '- cannot be read: EIO: i/o error' });
    expect(await source.read(1, 10)).toBeNull();
  });
});

describe('standard input', () => {
  it('gives what has come when no more comes for a while, and loses nothing of what comes then', async () => {
    const input = new PassThrough();
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin);
    input.write('{"a":1}\n{"a":2}\n{"a":');
    const source = await open('-');
    expect(textsOf((await source.read(10, 1))?.messages ?? [])).toEqual(['{"a":1}', '{"a":2}']);
    const reading = source.read(10, 1);
    input.end('3}\n');
    expect(textsOf((await reading)?.messages ?? [])).toEqual(['{"a":3}']);
    expect(await source.read(10, 1)).toBeNull();
  });

  it('ends when it is closed, though nothing comes', async () => {
    const input = new PassThrough();
    vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin);
    input.write('{"a":1}\n');
    const source = await open('-');
    expect(textsOf((await source.read(1, 10))?.messages ?? [])).toEqual(['{"a":1}']);
    const reading = source.read(1, 10);
    source.close();
    expect(await reading).toBeNull();
    expect(source.failure).toBeNull();
  });
});

describe('the name of a file as a source', () => {
  const nameOf = async (path: string, csv?: CsvColumns): Promise<string> =>
    (await open(path, csv === undefined ? {} : { csv })).name;

  it('stays when the file has grown', async () => {
    const path = fileOf('{"a":1}\n');
    const before = await nameOf(path);
    appendFileSync(path, '{"a":2}\n');
    expect(await nameOf(path)).toBe(before);
  });

  it('is the same by whatever path the file is reached', async () => {
    const path = fileOf('{"a":1}\n');
    const link = freshPath();
    symlinkSync(path, link);
    expect(await nameOf(link)).toBe(await nameOf(path));
  });

  it('is another for another file, and for another one in its place', async () => {
    const path = fileOf('{"a":1}\n');
    const before = await nameOf(path);
    expect(await nameOf(fileOf('{"a":1}\n'))).not.toBe(before);
    renameSync(fileOf('{"a":2}\n'), path);
    expect(await nameOf(path)).not.toBe(before);
  });

  it('is another when the same file is read with other columns', async () => {
    const path = fileOf('a,b,1,5\n');
    const names = await Promise.all([
      nameOf(path),
      nameOf(path, columns),
      nameOf(path, { ...columns, rating: '3' }),
      nameOf(path, { ...columns, intoAgent: 'all' }),
    ]);
    expect(new Set(names).size).toBe(4);
  });
});
