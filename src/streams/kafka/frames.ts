import type { Socket } from 'node:net';

/** Every response begins with its length, in four bytes. */
const prefixBytes = 4;

/** Puts what comes from a socket together to whole responses. */
export class Frames {
  private chunks: Buffer[] = [];
  private bytes = 0;
  private needed = prefixBytes;

  /** All responses that are whole by now, one after the other; null: none is. @throws RangeError when it is no Kafka */
  push(chunk: Buffer): Buffer | null {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    if (this.bytes < this.needed) return null;
    const all = this.chunks.length === 1 ? chunk : Buffer.concat(this.chunks);
    let end = 0;
    this.needed = sizeAt(all, end);
    while (end + this.needed <= all.length) {
      end += this.needed;
      this.needed = sizeAt(all, end);
    }
    const rest = all.subarray(end);
    this.chunks = rest.length === 0 ? [] : [rest];
    this.bytes = rest.length;
    return end === 0 ? null : all.subarray(0, end);
  }
}

/** How long the response is that begins there, its length included. */
function sizeAt(buffer: Buffer, offset: number): number {
  if (buffer.length - offset < prefixBytes) return prefixBytes;
  const size = buffer.readInt32BE(offset);
  if (size < prefixBytes) throw new RangeError(`${size} is no length of a response`);
  return prefixBytes + size;
}

/**
 * Has a socket give whole responses only. kafkajs keeps half a response beyond the connection that broke off in it,
 * and reads that of the next connection as its other half: at best it hears nothing more, at worst it loops.
 */
export function inFrames(socket: Socket): Socket {
  const frames = new Frames();
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...args: unknown[]) => boolean;
  socket.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    const [chunk] = args;
    if (event !== 'data' || !Buffer.isBuffer(chunk)) return emit(event, ...args);
    try {
      const responses = frames.push(chunk);
      return responses !== null && emit('data', responses);
    } catch (error) {
      socket.destroy(error as Error);
      return false;
    }
  };
  return socket;
}
