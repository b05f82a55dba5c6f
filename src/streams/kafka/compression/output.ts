/** What a codec of the LZ77 family has unpacked so far: bytes as they are, and repeats of earlier ones. */
export class Output {
  private buffer: Buffer;
  private length = 0;

  /** @param expectedBytes how much it will be, about */
  constructor(expectedBytes: number) {
    this.buffer = Buffer.allocUnsafe(Math.max(expectedBytes, 64));
  }

  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  append(bytes: Buffer): void {
    this.makeRoom(bytes.length);
    this.length += bytes.copy(this.buffer, this.length);
  }

  /** @throws RangeError when there is nothing that far back */
  repeat(distance: number, count: number): void {
    if (distance < 1 || distance > this.length)
      throw new RangeError(`there is nothing ${distance} bytes back`);
    this.makeRoom(count);
    const { buffer, length } = this;
    const from = length - distance;
    if (distance >= count) buffer.copyWithin(length, from, from + count);
    // What is repeated may still be growing: a run of one byte is a repeat from one byte back.
    else for (let i = 0; i < count; i++) buffer[length + i] = buffer[from + i] as number;
    this.length += count;
  }

  private makeRoom(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * Math.max(this.length + count, this.buffer.length));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}

/** @throws RangeError when there are not as many bytes */
export function cut(bytes: Buffer, from: number, count: number): Buffer {
  if (from + count > bytes.length) throw new RangeError('it breaks off');
  return bytes.subarray(from, from + count);
}
