import { cut, Output } from './output.js';

const magic = 0x184d2204;
const flags = { blockChecksum: 0x10, contentSize: 0x08, dictionary: 0x01 };
/** Set in the length of a block that is not compressed. */
const storedBlock = 0x8000_0000;
const shortestMatch = 4;

/**
 * Unpacks an LZ4 frame, https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. Checksums are not looked at: the
 * broker has, and TCP does.
 *
 * @throws RangeError when it is none
 */
export function unpackLz4(frame: Buffer): Buffer {
  if (frame.readUInt32LE(0) !== magic) throw new RangeError('it is no LZ4 frame');
  const flag = frame.readUInt8(4);
  if ((flag & flags.dictionary) !== 0) throw new RangeError('it needs a dictionary');
  const output = new Output(4 * frame.length);
  // Magic, flags, block size and the checksum of this header.
  let at = 7 + ((flag & flags.contentSize) === 0 ? 0 : 8);
  for (;;) {
    const length = frame.readUInt32LE(at);
    if (length === 0) return output.bytes;
    const block = cut(frame, at + 4, length % storedBlock);
    if (length >= storedBlock) output.append(block);
    else unpackBlock(block, output);
    at += 4 + block.length + ((flag & flags.blockChecksum) === 0 ? 0 : 4);
  }
}

/** https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */
function unpackBlock(block: Buffer, output: Output): void {
  let at = 0;
  /** Fifteen in a token, and 255 in each byte after it, say that there is more. */
  const lengthFrom = (nibble: number): number => {
    let length = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; length += byte) byte = block.readUInt8(at++);
    return length;
  };
  while (at < block.length) {
    const token = block.readUInt8(at++);
    const count = lengthFrom(token >> 4);
    output.append(cut(block, at, count));
    at += count;
    // The last sequence has no match.
    if (at === block.length) return;
    const distance = block.readUInt16LE(at);
    at += 2;
    output.repeat(distance, shortestMatch + lengthFrom(token & 15));
  }
}
