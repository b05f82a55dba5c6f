import { cut, Output } from './output.js';

/** How the streams of snappy-java begin, in which Java producers wrap what they pack. */
const streamMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** Magic, version and the oldest version that can read it. */
const streamHeaderBytes = 16;

/**
 * Unpacks Snappy, as it is or in a stream of snappy-java: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * @throws RangeError when it is none
 */
export function unpackSnappy(packed: Buffer): Buffer {
  const output = new Output(4 * packed.length);
  if (!packed.subarray(0, streamMagic.length).equals(streamMagic)) unpackBlock(packed, output);
  else
    for (let at = streamHeaderBytes; at < packed.length; ) {
      const block = cut(packed, at + 4, packed.readUInt32BE(at));
      unpackBlock(block, output);
      at += 4 + block.length;
    }
  return output.bytes;
}

function unpackBlock(block: Buffer, output: Output): void {
  // The length of what is packed, in groups of seven bits: the output grows by itself.
  let at = 0;
  while (block.readUInt8(at++) >= 0x80);
  while (at < block.length) {
    const tag = block.readUInt8(at++);
    const size = tag >> 2;
    switch (tag & 3) {
      case 0: {
        // From 60 on it says how many bytes the length takes.
        const lengthBytes = Math.max(0, size - 59);
        const length = 1 + (lengthBytes === 0 ? size : block.readUIntLE(at, lengthBytes));
        output.append(cut(block, at + lengthBytes, length));
        at += lengthBytes + length;
        break;
      }
      case 1:
        output.repeat(((tag & 0xe0) << 3) | block.readUInt8(at), 4 + (size & 7));
        at += 1;
        break;
      case 2:
        output.repeat(block.readUInt16LE(at), 1 + size);
        at += 2;
        break;
      default:
        output.repeat(block.readUInt32LE(at), 1 + size);
        at += 4;
    }
  }
}
