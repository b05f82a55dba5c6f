import type { Position } from '../../ports.js';
import { chunkPositions, floorKey, type Layout, seenPrefix } from './layout.js';

/** Positions whose bits are read and written together. */
const blockPositions = 1_024;

/** Bits of one source in one shard that a call looks at. Indexes begin at 1. */
export interface Segment {
  readonly index: number;
  readonly key: string;
  /** Index of its floor. */
  readonly floor: number;
  /** Position of the block's first bit. */
  readonly base: number;
  firstByte: number;
  lastByte: number;
}

/** The segments of a call, and the floors that they need. */
export class Segments {
  readonly all: Segment[] = [];
  readonly floorKeys: string[] = [];
  private readonly bySource = new Map<string, Map<number, Segment>>();
  private readonly floors = new Map<string, number>();

  constructor(private readonly layout: Layout) {}

  /** The segment that holds a position's bit, which is looked at from now on. */
  at(shard: number, { source, sequence }: Position): Segment {
    let blocks = this.bySource.get(source);
    if (blocks === undefined) {
      blocks = new Map();
      this.bySource.set(source, blocks);
    }
    const block = Math.floor(sequence / blockPositions);
    const place = block * this.layout.shards + shard;
    let segment = blocks.get(place);
    if (segment === undefined) {
      segment = this.open(shard, source, block);
      blocks.set(place, segment);
    }
    const byte = (sequence - segment.base) >> 3;
    if (byte < segment.firstByte) segment.firstByte = byte;
    if (byte > segment.lastByte) segment.lastByte = byte;
    return segment;
  }

  pack(): Buffer {
    const buffer = Buffer.allocUnsafe(14 * this.all.length);
    this.all.forEach(({ base, firstByte, lastByte, floor }, i) => {
      const at = 14 * i;
      buffer.writeUInt16LE(((base % chunkPositions) >> 3) + firstByte, at);
      buffer.writeUInt16LE(lastByte - firstByte + 1, at + 2);
      buffer.writeUInt16LE(floor, at + 4);
      buffer.writeDoubleLE(base + 8 * firstByte, at + 6);
    });
    return buffer;
  }

  private open(shard: number, source: string, block: number): Segment {
    const base = block * blockPositions;
    const segment: Segment = {
      index: this.all.length + 1,
      key: seenPrefix(this.layout, shard, source) + Math.floor(base / chunkPositions),
      floor: this.floorOf(shard, source),
      base,
      firstByte: blockPositions,
      lastByte: 0,
    };
    this.all.push(segment);
    return segment;
  }

  private floorOf(shard: number, source: string): number {
    const key = floorKey(this.layout, shard, source);
    const index = this.floors.get(key) ?? this.floorKeys.push(key);
    this.floors.set(key, index);
    return index;
  }
}
