import type { Socket } from 'node:net';

/** Every response begins with its length, in four bytes. */
const prefixBytes = 4;

/** Holds back what comes from a socket until the response that it is a part of is whole. */
export class Frames {
  private held: Buffer[] = [];
  /** What is known of the length of the response that comes, and of how many of its bytes. */
  private length = 0;
  private lengthBytes = 0;
  /** How much of it is still to come. */
  private missing = 0;

  /** The chunks of all responses that are whole by now. @throws RangeError when it is no Kafka */
  push(chunk: Buffer): Buffer[] {
    let end = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.lengthBytes < prefixBytes) this.readLength(chunk.readUInt8(at++));
      else {
        const taken = Math.min(this.missing, chunk.length - at);
        at += taken;
        this.missing -= taken;
        if (this.missing > 0) break;
        end = at;
        this.length = this.lengthBytes = 0;
      }
    }
    if (end === 0) {
      this.held.push(chunk);
      return [];
    }
    const whole = [...this.held, chunk.subarray(0, end)];
    this.held = end < chunk.length ? [chunk.subarray(end)] : [];
    return whole;
  }

  private readLength(byte: number): void {
    this.length = (this.length << 8) | byte;
    if (++this.lengthBytes < prefixBytes) return;
    if (this.length < prefixBytes) throw new RangeError(`${this.length} is no length of a response`);
    this.missing = this.length;
  }
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
      // In the chunks in which it came: kafkajs copies them together, and once is enough.
      for (const whole of frames.push(chunk)) emit('data', whole);
      return true;
    } catch (error) {
      socket.destroy(error as Error);
      return false;
    }
  };
  return socket;
}
