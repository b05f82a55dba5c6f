import { expect, test } from 'vitest';
import { unpackSnappy } from '../../../../src/streams/kafka/compression/snappy.js';

const ascii = (text: string): number[] => [...Buffer.from(text)];

test('literals and repeats of every kind are unpacked', () => {
  const long = 'z'.repeat(70);
  const packed = Buffer.from([
    // What it comes to, in two bytes.
    0xa0,
    0x01,
    // Three literals, then seven bytes from three back.
    2 << 2,
    ...ascii('abc'),
    (3 << 2) | 1,
    3,
    // A length in a byte of its own.
    60 << 2,
    69,
    ...ascii(long),
    // Two from 80 back, in two bytes and in four.
    (1 << 2) | 2,
    80,
    0,
    (1 << 2) | 3,
    80,
    0,
    0,
    0,
  ]);
  expect(unpackSnappy(packed).toString()).toBe(`abcabcabca${long}abca`);
});

test('blocks in a stream of snappy-java are unpacked one after the other', () => {
  const header = Buffer.from('82534e415050590000000001' + '00000001', 'hex');
  const block = (text: string) =>
    Buffer.from([0, 0, 0, text.length + 2, text.length, (text.length - 1) << 2, ...ascii(text)]);
  expect(unpackSnappy(Buffer.concat([header, block('one '), block('two')])).toString()).toBe('one two');
});

test.each([
  ['breaks off', [9, 8 << 2, 1]],
  ['repeats what is not there', [4, 1, 9]],
])('what %s is refused', (_, bytes) => {
  expect(() => unpackSnappy(Buffer.from(bytes))).toThrow(RangeError);
});
