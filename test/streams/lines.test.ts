import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitLines } from '../../src/streams/lines.js';
import { chunksOf, collect, inPieces } from '../helpers/chunks.js';

/** The lines as text, each with its whole length where that is not the length of the text. */
async function linesOf(chunks: AsyncIterable<Buffer>, mostBytes = 1_000): Promise<unknown[]> {
  const lines = await collect(splitLines(chunks, mostBytes));
  return lines.map(({ bytes, length }) => {
    const text = bytes.toString('utf8');
    return length === bytes.length ? text : [text, length];
  });
}

describe('lines', () => {
  it('end at a newline, with or without a carriage return before it', async () => {
    expect(await linesOf(chunksOf('a\nb\r\nc\n'))).toEqual(['a', 'b', 'c']);
  });

  it('include a last one without a newline, and no empty one after the last newline', async () => {
    expect(await linesOf(chunksOf('a\nb'))).toEqual(['a', 'b']);
    expect(await linesOf(chunksOf('a\nb\r'))).toEqual(['a', 'b']);
    expect(await linesOf(chunksOf('a\n'))).toEqual(['a']);
    expect(await linesOf(chunksOf())).toEqual([]);
  });

  it('may be empty', async () => {
    expect(await linesOf(chunksOf('\n\r\na\n\n'))).toEqual(['', '', 'a', '']);
  });

  it('keep a carriage return that ends nothing', async () => {
    expect(await linesOf(chunksOf('a\rb\n\r\r\n'))).toEqual(['a\rb', '\r']);
  });

  it('are the same wherever the bytes are cut into chunks', async () => {
    const text = fc.array(fc.constantFrom('a', 'é', '😀', '\n', '\r\n', '\r'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), async (parts, size) => {
        const whole = parts.join('');
        const expected = whole.split('\n').map((line) => line.replace(/\r$/, ''));
        if (whole === '' || whole.endsWith('\n')) expected.pop();
        expect(await linesOf(inPieces(whole, size))).toEqual(expected);
      }),
    );
  });

  it('are cut after the bytes asked for, and say how long they were', async () => {
    expect(await linesOf(chunksOf('12345\n1234\n123456789\nab'), 4)).toEqual([
      ['1234', 5],
      '1234',
      ['1234', 9],
      'ab',
    ]);
  });

  it('are asked for with a byte to spare where a carriage return may end them', async () => {
    expect(await linesOf(chunksOf('1234\r\n'), 4)).toEqual([['1234', 5]]);
    expect(await linesOf(chunksOf('1234\r\n'), 5)).toEqual(['1234']);
  });

  it('never hold more than that in memory, however long they are', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const chunks = async function* (): AsyncGenerator<Buffer> {
      for (let mebibyte = 0; mebibyte < 512; mebibyte++) yield chunk;
      yield Buffer.from('\nshort\n');
    };
    const before = process.memoryUsage().arrayBuffers;
    const [long, short] = await collect(splitLines(chunks(), 1_000));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
    expect(long?.length).toBe(512 * 1024 * 1024);
    expect(long?.bytes.length).toBe(1_000);
    expect(short?.bytes.toString()).toBe('short');
  });
});
