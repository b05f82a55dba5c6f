import { expect, test } from 'vitest';
import { unpackLz4 } from '../../../../src/streams/kafka/compression/lz4.js';

/** A frame with the size of its content, and checksums of blocks and content that nobody looks at. */
function frame(...blocks: readonly Buffer[]): Buffer {
  const header = Buffer.from('04224d185c40' + '0000000000000000' + '00', 'hex');
  return Buffer.concat([
    header,
    ...blocks.map((block) => Buffer.concat([block, Buffer.alloc(4)])),
    Buffer.alloc(8),
  ]);
}

function block(bytes: readonly number[], stored = 0): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(stored + bytes.length);
  return Buffer.concat([length, Buffer.from(bytes)]);
}

const ascii = (text: string): number[] => [...Buffer.from(text)];

test('literals, repeats that overlap, and long lengths are unpacked', () => {
  const long = 'y'.repeat(300);
  const packed = block([
    // "ab", then 4 + 15 + 1 bytes from two back.
    0x2f,
    ...ascii('ab'),
    2,
    0,
    1,
    // 15 + 255 + 30 literals, and no match after the last.
    0xf0,
    255,
    30,
    ...ascii(long),
  ]);
  expect(unpackLz4(frame(packed)).toString()).toBe('ab'.repeat(11) + long);
});

test('a block may be stored as it is, and repeat what an earlier one had', () => {
  const stored = block(ascii('hello '), 0x8000_0000);
  const linked = block([0x02, 6, 0, 0x10, ...ascii('!')]);
  expect(unpackLz4(frame(stored, linked)).toString()).toBe('hello hello !');
});

test.each([
  ['is no frame', Buffer.alloc(20)],
  ['breaks off', frame(block([0xf0, 255, 30, 1]))],
  ['repeats what is not there', frame(block([0x10, 1, 9, 0, 0x10, 1]))],
  ['has no end', frame(block(ascii('a'), 0x8000_0000)).subarray(0, 24)],
])('what %s is refused', (_, bytes) => {
  expect(() => unpackLz4(bytes)).toThrow(RangeError);
});
