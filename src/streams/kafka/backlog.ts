import type { SourceMessage } from '../../ports.js';
import type { Lane, Slice } from './lane.js';
import { type Fetched, offsetOf } from './messages.js';

interface Chunk extends Fetched {
  readonly lane: Lane;
  readonly end: number;
  /** How many of the messages were handed out. */
  taken: number;
}

/** Messages that were fetched and wait to be read, in the order in which they came. */
export class Backlog {
  private chunks: Chunk[] = [];
  private waitingBytes = 0;

  /** What waits, in bytes, with an allowance for each message. A fetch counts until all of it is handed out. */
  get bytes(): number {
    return this.waitingBytes;
  }

  get isEmpty(): boolean {
    return this.chunks.length === 0;
  }

  /** @param end the offset after the messages and all that was left out among them */
  push(lane: Lane, { messages, bytes }: Fetched, end: number): void {
    if (messages.length === 0) return;
    this.chunks.push({ lane, messages, bytes, end, taken: 0 });
    lane.waiting += messages.length;
    this.waitingBytes += bytes;
  }

  /** Hands out the next messages, at most so many. */
  take(maxMessages: number): Slice[] {
    const slices: Slice[] = [];
    for (let left = maxMessages; left > 0; ) {
      const chunk = this.chunks[0];
      if (chunk === undefined) break;
      const slice = sliceOf(chunk, left);
      if (chunk.taken === chunk.messages.length) {
        this.chunks.shift();
        this.waitingBytes -= chunk.bytes;
      }
      chunk.lane.handOut(slice);
      left -= slice.messages.length;
      slices.push(slice);
    }
    return slices;
  }

  firstOf(lane: Lane): SourceMessage | undefined {
    const chunk = this.chunks.find((candidate) => candidate.lane === lane);
    return chunk?.messages[chunk.taken];
  }

  clear(): void {
    this.chunks = [];
    this.waitingBytes = 0;
  }
}

function sliceOf(chunk: Chunk, maxMessages: number): Slice {
  const messages = chunk.messages.slice(chunk.taken, chunk.taken + maxMessages);
  chunk.taken += messages.length;
  const next = chunk.messages[chunk.taken];
  return { lane: chunk.lane, messages, end: next === undefined ? chunk.end : offsetOf(next) };
}
