import { describe, expect, it } from 'vitest';
import { FulcrumError } from '../../src/errors.js';
import { type CsvColumns, csvInteractions } from '../../src/streams/csv.js';
import { chunksOf, collect, inPieces } from '../helpers/chunks.js';

const byIndex: CsvColumns = { source: '0', target: '1', rating: '2', time: '3', header: false };
const byName: CsvColumns = { source: 'from', target: 'to', rating: 'stars', time: 'at', header: true };

const read = (chunks: AsyncIterable<Buffer>, columns = byIndex) =>
  collect(csvInteractions(chunks, columns, 'ratings.csv', 262_144));

/** The event of each row; of one that is malformed the row and the rejection. */
async function rowsOf(text: string, columns = byIndex): Promise<unknown[]> {
  const records = await read(chunksOf(text), columns);
  return records.map(({ body, malformed }) =>
    malformed === undefined ? (JSON.parse(body.toString()) as unknown) : [body.toString(), malformed],
  );
}

const failureOf = async (chunks: AsyncIterable<Buffer>, columns = byIndex): Promise<FulcrumError> => {
  const error: unknown = await read(chunks, columns).catch((cause: unknown) => cause);
  if (!(error instanceof FulcrumError)) throw new Error('it was read');
  return error;
};

const event = (agent_a: string, agent_b: string, outcome: string, time: unknown) => ({
  agent_a,
  agent_b,
  outcome,
  time,
});

describe('rows of a CSV file', () => {
  it('become interactions: above 0 a success, below 0 a failure, 0 partial', async () => {
    expect(await rowsOf('a,b,10,1\na,c,-0.5,2\na,d,0,3\n')).toEqual([
      event('a', 'b', 'success', 1),
      event('a', 'c', 'failure', 2),
      event('a', 'd', 'partial', 3),
    ]);
  });

  it('may fold every source into one agent', async () => {
    expect(await rowsOf('a,b,1,1\nc,b,1,2\n', { ...byIndex, intoAgent: 'community' })).toEqual([
      event('community', 'b', 'success', 1),
      event('community', 'b', 'success', 2),
    ]);
  });

  it('have times in seconds, or in any other form that an event may have', async () => {
    expect(await rowsOf('a,b,1,1289241911.72836\na,b,1,2023-11-14T22:13:20Z\n')).toEqual([
      event('a', 'b', 'success', 1_289_241_911.72836),
      event('a', 'b', 'success', '2023-11-14T22:13:20Z'),
    ]);
  });

  it('may end with CRLF, follow a byte order mark, lack the last newline, and have empty ones between', async () => {
    expect(await rowsOf('\uFEFFa,b,1,1\r\n\r\nc,d,1,2')).toEqual([
      event('a', 'b', 'success', 1),
      event('c', 'd', 'success', 2),
    ]);
  });

  it('may have quoted fields, with separators and quotes in them', async () => {
    expect(await rowsOf('"a, b","say ""hi""",1,1\n')).toEqual([event('a, b', 'say "hi"', 'success', 1)]);
  });

  it('may have a quote where none belongs', async () => {
    expect(await rowsOf('a"x,b,1,1\n"a"x,b,1,2\n')).toEqual([
      event('a"x', 'b', 'success', 1),
      event('"a"x', 'b', 'success', 2),
    ]);
  });

  it('are the same however the file is cut into chunks', async () => {
    const text = 'é,"b 😀",1,1\r\n'.repeat(20);
    for (const size of [1, 2, 3, 7])
      expect(await read(inPieces(text, size))).toEqual(await read(chunksOf(text)));
  });

  it('are none in an empty file', async () => {
    for (const text of ['', '\n', '\uFEFF']) expect(await rowsOf(text)).toEqual([]);
    for (const text of ['', 'from,to,stars,at\n']) expect(await rowsOf(text, byName)).toEqual([]);
  });
});

describe('a row that is no rating', () => {
  it('is malformed, as it was read, with the column and the rule', async () => {
    const refused = { reason: 'invalid_event', field: 'column 2 (rating)' };
    expect(await rowsOf('a,b,good,1\na,b\nc,d,1,2\n')).toEqual([
      ['a,b,good,1', { ...refused, rule: 'must be a number' }],
      ['a,b', { ...refused, rule: 'is missing: the row has 2 columns' }],
      event('c', 'd', 'success', 2),
    ]);
  });

  it.each(['', ' ', 'NaN', '1e309', 'five', '1.5x'])('has a rating of %j', async (rating) => {
    expect(await rowsOf(`a,b,${rating},1\n`)).toEqual([
      [expect.any(String), expect.objectContaining({ rule: 'must be a number' })],
    ]);
  });

  it('is named by the column as it was asked for', async () => {
    expect(await rowsOf('from,to,stars,at\na,b,x,1\n', byName)).toEqual([
      ['a,b,x,1', expect.objectContaining({ field: 'column stars (rating)' })],
    ]);
  });
});

describe('columns', () => {
  it('may be named by the header, in any order', async () => {
    expect(await rowsOf('at,stars,to,from\n7,1,b,a\n', byName)).toEqual([event('a', 'b', 'success', 7)]);
  });

  it('may be indexes in a file with a header', async () => {
    const columns = { ...byIndex, header: true };
    expect(await rowsOf('from,to,stars,at\na,b,1,7\n', columns)).toEqual([event('a', 'b', 'success', 7)]);
  });

  it('go by the name first where a name is a number', async () => {
    const columns = { ...byIndex, header: true };
    expect(await rowsOf('3,2,1,0\n7,1,b,a\n', columns)).toEqual([event('a', 'b', 'success', 7)]);
  });

  it('must be in the header, which is told', async () => {
    const error = await failureOf(chunksOf('from,to,rank,at\na,b,1,7\n'), byName);
    expect(error.code).toBe('usage');
    expect(error.message).toBe('--rating-column stars: ratings.csv has no such column (from, to, rank, at)');
  });

  it('must be indexes where there is no header', async () => {
    const error = await failureOf(chunksOf('a,b,1,7\n'), { ...byName, header: false });
    expect(error.code).toBe('usage');
    expect(error.message).toBe(
      '--source-column from: a name needs --header; without it give a 0-based index',
    );
  });
});

describe('a line that is no CSV', () => {
  it('is refused by itself, with what is wrong with it', async () => {
    const rows = await read(chunksOf('a,b,1,1\nc,"d,1,2\ne,f,1,3\n'));
    expect(rows.map(({ malformed }) => malformed?.rule.slice(0, 29))).toEqual([
      undefined,
      'must be CSV: Quote Not Closed',
      undefined,
    ]);
    expect(Buffer.from(rows[1]?.body ?? []).toString()).toBe('c,"d,1,2');
  });

  it('is refused when it is not UTF-8', async () => {
    const rows = await read(
      chunksOf(Buffer.concat([Buffer.from('a,b'), Buffer.from([0xff]), Buffer.from(',1,1\n')])),
    );
    expect(rows.map(({ malformed }) => malformed?.rule)).toEqual(['must be UTF-8']);
  });

  it('is refused, its beginning kept, when it is too long', async () => {
    const rows = await read(chunksOf(`${'x'.repeat(300_000)},b,1,1\na,b,1,1\n`));
    expect(rows.map(({ malformed }) => malformed?.reason)).toEqual(['too_large', undefined]);
    expect(rows[0]?.body.byteLength).toBeLessThanOrEqual(262_145);
  });

  it('says why a file cannot be read on', async () => {
    const broken = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from('a,b,1,1\n');
      throw new Error('EIO: i/o error');
    };
    await expect(read(broken())).rejects.toThrow('EIO: i/o error');
  });
});

it('a reader who has seen enough lets go of the file', async () => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const rows = async function* (): AsyncGenerator<Buffer> {
    try {
      for (;;) yield Buffer.from('a,b,1,1\n'.repeat(1_000));
    } finally {
      release();
    }
  };
  const records = csvInteractions(rows(), byIndex, 'ratings.csv', 262_144);
  expect((await records.next()).value).toMatchObject({ body: expect.any(Buffer) });
  await records.return(undefined);
  await released;
});
