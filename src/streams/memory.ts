import type {
  Clock,
  EventSink,
  LogSource,
  MessageToSend,
  SinkMessage,
  SourceBatch,
  SourceMessage,
  SourceProgress,
} from '../ports.js';

/** Name and bounds of a stream in this process. */
export interface MemoryTopicOptions {
  /** Names the source in positions. */
  readonly name: string;
  /** Position of the first message: above all that the store has seen of this source. @defaultValue 1 */
  readonly firstSequence?: number;
  /** Bytes that may wait to be read, 1,024 for each message included; beyond it, senders wait. @defaultValue 67108864 */
  readonly maxQueuedBytes?: number;
  /** Stamps what comes in, seconds since the epoch. */
  readonly clock: Clock;
}

/** What a waiting message costs beside its body, about. */
const messageBytes = 1_024;

/** A stream of events inside this process. What nobody has acknowledged is gone when the process ends. */
export class MemoryTopic implements LogSource {
  readonly name: string;
  readonly system = 'memory';
  readonly headerPrefix = 'ce-';
  private queue: SourceMessage[] = [];
  private unacknowledged: SourceMessage[] = [];
  private queuedBytes = 0;
  private nextSequence: number;
  private readonly maxQueuedBytes: number;
  private readonly clock: Clock;
  private closed = false;
  private readonly readers = new Waiters();
  private readonly senders = new Waiters();

  constructor(options: MemoryTopicOptions) {
    this.name = options.name;
    this.nextSequence = options.firstSequence ?? 1;
    this.maxQueuedBytes = options.maxQueuedBytes ?? 64 * 1024 * 1024;
    this.clock = options.clock;
  }

  /** Bytes that wait to be read. */
  get backlogBytes(): number {
    return this.queuedBytes;
  }

  /** Takes messages in, in order; waits while too much is waiting to be read. Throws once closed. */
  async send(messages: readonly MessageToSend[]): Promise<void> {
    while (this.queuedBytes > this.maxQueuedBytes && !this.closed) await this.senders.wait();
    if (this.closed) throw new Error(`${this.name} is closed`);
    const receivedAt = this.clock();
    for (const message of messages) {
      this.queue.push({
        ...message,
        tenant: null,
        position: { source: this.name, sequence: this.nextSequence++ },
        receivedAt,
      });
      this.queuedBytes += message.body.byteLength + messageBytes;
    }
    this.readers.wake();
  }

  /**
   * Takes messages of another source as they are, in its order, and never waits.
   *
   * @returns false when too much is waiting to be read: they are not taken
   */
  pass(messages: readonly SourceMessage[]): boolean {
    if (this.closed || this.queuedBytes > this.maxQueuedBytes) return false;
    for (const message of messages) {
      this.queue.push(message);
      this.queuedBytes += message.body.byteLength + messageBytes;
      this.nextSequence = message.position.sequence + 1;
    }
    this.readers.wake();
    return true;
  }

  logs(): readonly string[] {
    return [this.name];
  }

  progress(): readonly SourceProgress[] {
    const last = this.nextSequence - 1;
    const next = this.unacknowledged[0] ?? this.queue[0] ?? null;
    const acknowledged = next === null ? last : next.position.sequence - 1;
    return [{ source: this.name, acknowledged, last, next }];
  }

  async read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null> {
    if (this.queue.length === 0 && !this.closed) await this.readers.wait(maxWaitMs);
    if (this.queue.length === 0 && this.closed) return null;
    const messages = this.queue.splice(0, maxMessages);
    for (const { body } of messages) this.queuedBytes -= body.byteLength + messageBytes;
    this.unacknowledged.push(...messages);
    this.senders.wake();
    return {
      messages,
      ack: (done = messages) => {
        const acknowledged = new Set(done);
        this.unacknowledged = this.unacknowledged.filter((message) => !acknowledged.has(message));
      },
    };
  }

  /** Puts what was read and not acknowledged back in front, as a broker does when a consumer is lost. */
  redeliver(): void {
    this.queue = [...this.unacknowledged, ...this.queue];
    for (const { body } of this.unacknowledged) this.queuedBytes += body.byteLength + messageBytes;
    this.unacknowledged = [];
    this.readers.wake();
  }

  /** Takes nothing more in; what is waiting is still read, then reading ends. */
  close(): void {
    this.closed = true;
    this.readers.wake();
    this.senders.wake();
  }
}

/** Those who wait for something to change. */
class Waiters {
  private readonly waiting = new Set<() => void>();

  wait(maxWaitMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.waiting.delete(go);
        resolve();
      };
      const timer = maxWaitMs === undefined ? undefined : setTimeout(go, maxWaitMs);
      this.waiting.add(go);
    });
  }

  wake(): void {
    for (const go of [...this.waiting]) go();
  }
}

/** Hands every published message to whoever listens in this process. */
export class MemorySink implements EventSink {
  private readonly listeners = new Set<(message: SinkMessage) => void>();

  publish(messages: readonly SinkMessage[]): void {
    for (const message of messages)
      for (const listener of this.listeners) {
        try {
          listener(message);
        } catch (error) {
          // A listener's mistake is not the publisher's trouble, to be tried again on all the others.
          queueMicrotask(() => {
            throw error;
          });
        }
      }
  }

  /** Returns what ends the subscription. */
  subscribe(listener: (message: SinkMessage) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
