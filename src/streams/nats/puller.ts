import { createInbox, type Msg, type NatsError, nanos, type Subscription } from 'nats';
import { FulcrumError } from '../../errors.js';
import { requestFailure } from './errors.js';
import type { Link } from './link.js';

/** A request stays open this long, so that what comes meanwhile is delivered at once. */
const requestOpenMs = 30_000;
/** A server that is silent for twice as long has lost the request: 2.9 does not tell of a consumer that is gone. */
const heartbeatMs = 3_000;
/** A request brings at most so many bytes, and none is sent while more than these wait to be read. */
const bytesPerRequest = 8 * 1024 * 1024;
/** Subject, reply and headers of one message, at most about. */
const overheadBytes = 64 * 1024;

export interface PullerOptions {
  readonly link: Link;
  /** For errors, e.g. `nats:FULCRUM_INTERACTIONS`. */
  readonly name: string;
  readonly stream: string;
  readonly consumer: string;
  /**
   * Called before reading goes on after the connection was lost (null) or the server ended a request otherwise
   * than by its time: mends what is to be mended, or throws.
   */
  mend(trouble: FulcrumError | null): Promise<void>;
  /** Whether a message is to be kept. */
  accept?(message: Msg): boolean;
  /** A message came after the end. */
  late?(message: Msg): void;
}

interface OpenRequest {
  readonly inbox: string;
  missing: number;
  brought: number;
}

/**
 * Pulls messages of one consumer, one request at a time, the next while what came is worked on: at most two
 * batches or 16 MiB wait to be read. The library's own consumers are slower or keep no bound.
 */
export class Puller {
  private readonly inbox = createInbox();
  private readonly subscription: Subscription;
  private readonly endListening: () => void;
  private consumer: string;
  private waiting: Msg[] = [];
  private waitingBytes = 0;
  private request: OpenRequest | null = null;
  private requests = 0;
  private requestBytes: number;
  private heardAt = 0;
  private interrupted = false;
  private trouble: FulcrumError | null = null;
  private closed = false;
  private wake: (() => void) | null = null;

  constructor(private readonly options: PullerOptions) {
    const { link, consumer } = options;
    this.consumer = consumer;
    const largest = link.connection.info?.max_payload ?? 0;
    this.requestBytes = Math.max(bytesPerRequest, largest + overheadBytes);
    this.subscription = link.connection.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => this.arrived(error, message),
    });
    this.endListening = link.listen({
      down: () => this.interrupt(null),
      up: () => this.interrupt(null),
      refused: (subject) => {
        if (subject === this.nextSubject || this.isAck(subject)) this.interrupt(this.denied(subject));
      },
    });
  }

  /** Pulls from this consumer from now on. */
  aim(consumer: string): void {
    this.consumer = consumer;
    this.request = null;
  }

  /** At most `max` messages, none after `waitMs` without any, null once closed. */
  async take(max: number, waitMs: number): Promise<Msg[] | null> {
    const until = performance.now() + waitMs;
    for (;;) {
      if (this.closed) return null;
      this.options.link.require();
      if (this.interrupted) await this.recover();
      else {
        this.ask(max);
        if (this.waiting.length > 0) return this.hand(max);
        const restMs = until - performance.now();
        if (restMs <= 0) return [];
        await this.sleep(Math.min(restMs, heartbeatMs));
        this.checkSilence();
      }
    }
  }

  /** What waits to be read, oldest first. */
  get prefetched(): readonly Msg[] {
    return this.waiting;
  }

  /** Ends taking, and returns what nobody will take. */
  async close(): Promise<readonly Msg[]> {
    if (this.closed) return [];
    this.closed = true;
    this.endListening();
    this.wake?.();
    const left = this.waiting;
    this.waiting = [];
    // What is on its way arrives before the answer to this, and is told to `late`.
    if (this.options.link.up) void this.subscription.drain().catch(() => {});
    else this.subscription.unsubscribe();
    return left;
  }

  private hand(max: number): Msg[] {
    const messages = this.waiting.splice(0, max);
    for (const { data } of messages) this.waitingBytes -= data.length;
    this.ask(max);
    return messages;
  }

  private get nextSubject(): string {
    return `$JS.API.CONSUMER.MSG.NEXT.${this.options.stream}.${this.consumer}`;
  }

  private isAck(subject: string): boolean {
    return subject.startsWith('$JS.ACK.') && subject.includes(`.${this.options.stream}.${this.consumer}.`);
  }

  private ask(batch: number): void {
    const enough = this.waiting.length >= batch || this.waitingBytes >= bytesPerRequest;
    if (this.request !== null || enough) return;
    const inbox = `${this.inbox}.${++this.requests}`;
    this.request = { inbox, missing: batch, brought: 0 };
    this.heardAt = performance.now();
    const body = {
      batch,
      max_bytes: this.requestBytes,
      expires: nanos(requestOpenMs),
      idle_heartbeat: nanos(heartbeatMs),
    };
    this.options.link.connection.publish(this.nextSubject, JSON.stringify(body), { reply: inbox });
  }

  private arrived(error: NatsError | null, message: Msg): void {
    if (error !== null) this.interrupt(requestFailure(`${this.options.name}: subscribe to an inbox`, error));
    else if (!message.reply) this.statusCame(message);
    else if (this.closed) this.options.late?.(message);
    else this.messageCame(message);
  }

  private messageCame(message: Msg): void {
    this.heardAt = performance.now();
    const { request } = this;
    if (request !== null) {
      request.brought++;
      if (--request.missing === 0) this.request = null;
    }
    if (this.options.accept?.(message) === false) return;
    this.waiting.push(message);
    this.waitingBytes += message.data.length;
    this.wake?.();
  }

  /** The server says how a request fares; what it says of an earlier one is of no more use. */
  private statusCame({ subject, headers }: Msg): void {
    const { request } = this;
    if (request === null || request.inbox !== subject) return;
    this.heardAt = performance.now();
    const { code = 0, description = '' } = headers ?? {};
    if (code === 100) return;
    this.request = null;
    const isFull = code === 409 && /message size exceeds maxbytes|batch completed/i.test(description);
    // One message that is larger than a request may bring would be asked for in vain for ever.
    if (isFull && request.brought === 0) this.requestBytes *= 2;
    if (isFull || code === 408) this.wake?.();
    else this.interrupt(this.ended(code, description));
  }

  private ended(code: number, description: string): FulcrumError {
    const { name, stream } = this.options;
    const what = `${name}: consumer ${this.consumer} of stream ${stream}`;
    if (code === 503) return new FulcrumError('unavailable', `${what} does not answer`);
    if (code === 400 || /exceeded maxrequest|push based/i.test(description))
      return new FulcrumError(
        'mismatch',
        `${what} refuses to be read (${code} ${description}): mend its settings`,
      );
    return new FulcrumError('unavailable', `${what} ended a request (${code} ${description})`);
  }

  private denied(subject: string): FulcrumError {
    const { name } = this.options;
    return new FulcrumError('denied', `${name}: may not publish to ${subject}: grant it to this user`);
  }

  private checkSilence(): void {
    if (this.request === null || performance.now() - this.heardAt < 2 * heartbeatMs) return;
    this.interrupt(
      new FulcrumError('unavailable', `${this.options.name}: nothing heard for ${2 * heartbeatMs} ms`),
    );
  }

  /** Lets reading go on only after `mend`. */
  interrupt(trouble: FulcrumError | null): void {
    this.interrupted = true;
    this.trouble ??= trouble;
    this.request = null;
    this.wake?.();
  }

  private async recover(): Promise<void> {
    const { trouble } = this;
    this.interrupted = false;
    this.trouble = null;
    try {
      await this.options.mend(trouble);
    } catch (error) {
      this.interrupted = true;
      if (!this.closed) throw error;
    }
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wake = done;
    });
  }
}
