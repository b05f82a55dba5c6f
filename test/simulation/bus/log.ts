import type { Channel, SinkMessage, SourceMessage } from '../../../src/ports.js';
import { beginning, type World } from '../world.js';

/** A message of a log, from its broker's side. */
export interface Logged extends Pick<SinkMessage, 'id' | 'tenant' | 'key' | 'headers' | 'body'> {
  readonly sequence: number;
  readonly atMs: number;
  /** Who published it. */
  readonly by: string;
  readonly again: boolean;
}

/** One stream, or one partition of a topic: everything that was ever published, in order. */
export class Log {
  readonly messages: Logged[] = [];
  private readonly ids = new Map<string, number>();
  private readonly readers = new Set<() => void>();

  /**
   * @param source as positions name it
   * @param duplicateWindowMs within which a message with an id that was seen is a repeat and dropped; 0: none is
   */
  constructor(
    private readonly world: World,
    readonly channel: Channel,
    readonly source: string,
    private readonly duplicateWindowMs: number,
  ) {}

  get last(): number {
    return this.messages.length;
  }

  /** Null: it was a repeat. */
  append(
    message: Pick<SinkMessage, 'id' | 'tenant' | 'key' | 'headers' | 'body' | 'again'>,
    by: string,
  ): Logged | null {
    const { nowMs } = this.world;
    const seenMs = this.ids.get(message.id);
    if (message.again !== true && seenMs !== undefined && nowMs - seenMs < this.duplicateWindowMs)
      return null;
    const { id, tenant, key, headers, body, again = false } = message;
    if (!again) this.ids.set(id, nowMs);
    const logged = { id, tenant, key, headers, body, again, sequence: this.last + 1, atMs: nowMs, by };
    this.messages.push(logged);
    for (const wake of [...this.readers]) wake();
    return logged;
  }

  at(sequence: number): Logged | undefined {
    return this.messages[sequence - 1];
  }

  /** Calls it when there is more; returns what ends that. */
  listen(wake: () => void): () => void {
    this.readers.add(wake);
    return () => this.readers.delete(wake);
  }

  /** As a reader gets it. */
  message({ body, headers, tenant, sequence, atMs }: Logged): SourceMessage {
    return {
      body,
      headers,
      tenant,
      position: { source: this.source, sequence },
      receivedAt: beginning + atMs / 1_000,
    };
  }
}
