import zlib from 'node:zlib';
import kafkajs from 'kafkajs';
import { unpackLz4 } from './lz4.js';
import { unpackSnappy } from './snappy.js';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/**
 * Has kafkajs read what producers have compressed. By itself it knows gzip, and stops for ever at a batch of any other
 * codec. What we publish is not compressed.
 */
export function learnCodecs(): void {
  CompressionCodecs[CompressionTypes.LZ4] = reading(unpackLz4);
  CompressionCodecs[CompressionTypes.Snappy] = reading(unpackSnappy);
  if (hasZstd(zlib)) CompressionCodecs[CompressionTypes.ZSTD] = reading(zlib.zstdDecompressSync);
}

function reading(unpack: (packed: Buffer) => Buffer) {
  const codec = { decompress: async (packed: Buffer) => unpack(packed) };
  return () => codec;
}

/** Node has it since 22.15. */
export function hasZstd(module: object): module is { zstdDecompressSync(packed: Buffer): Buffer } {
  return 'zstdDecompressSync' in module;
}
