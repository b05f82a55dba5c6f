import { createInbox, type Msg, type NatsError, type Subscription } from 'nats';
import { FulcrumError } from '../../errors.js';
import { requestFailure } from './errors.js';
import type { Link } from './link.js';
import type { Delivered } from './messages.js';
import { Prefetched } from './prefetched.js';
import { heartbeatMs, type PullRequest, pullBody, pullStatus } from './pull-request.js';

/** A request brings at most so many bytes, and none is sent while more than these wait to be read. */
const bytesPerRequest = 8 * 1024 * 1024;
/** Subject, reply and headers of one message, at most about. */
const overheadBytes = 64 * 1024;
/** A server takes no larger message, whatever its settings. */
const largestPayload = 64 * 1024 * 1024;
/** After this silence the request is lost: nats-server 2.9 does not tell of a consumer that is gone. */
const silenceMs = 2 * heartbeatMs;

export interface PullerOptions {
  readonly link: Link;
  /** For errors, e.g. `nats:FULCRUM_INTERACTIONS`. */
  readonly name: string;
  readonly stream: string;
  readonly consumer: string;
  /**
   * Called before reading goes on after the connection was lost (null), or the server ended a request otherwise
   * than by its time: mends what is to be mended, or throws.
   */
  mend(trouble: FulcrumError | null): Promise<void>;
  /** Reads a message that came; null when it is not to be kept. Done at once, for the library's weigh more. */
  deliver(message: Msg): Delivered | null;
  /** A message came after the end, to be answered there. */
  late?(reply: string): void;
}

/**
 * Pulls messages of one consumer, one request at a time, the next while what came is worked on: at most two
 * batches or 16 MiB wait to be read. The library's own consumers keep no such bound, or are half as fast.
 */
export class Puller {
  private readonly inbox = createInbox();
  private subscription: Subscription;
  private readonly endListening: () => void;
  private readonly waiting = new Prefetched();
  private consumer: string;
  private request: PullRequest | null = null;
  private requests = 0;
  private requestBytes: number;
  private heardAt = 0;
  private interrupted = false;
  private trouble: FulcrumError | null = null;
  private closed = false;

  constructor(private readonly options: PullerOptions) {
    const { link, consumer } = options;
    this.consumer = consumer;
    const largest = link.connection.info?.max_payload ?? 0;
    this.requestBytes = Math.max(bytesPerRequest, largest + overheadBytes);
    this.subscription = this.subscribe();
    this.endListening = link.listen({
      down: () => this.interrupt(null),
      up: () => this.interrupt(null),
      refused: (subject) => {
        if (subject === this.nextSubject || this.isAck(subject)) this.interrupt(this.denied(subject));
      },
    });
  }

  /** What waits to be read, oldest first. */
  get prefetched(): readonly Delivered[] {
    return this.waiting.all;
  }

  /** Pulls from this consumer from now on. */
  aim(consumer: string): void {
    this.consumer = consumer;
    this.request = null;
  }

  /** Lets reading go on only after `mend`. */
  interrupt(trouble: FulcrumError | null): void {
    this.interrupted = true;
    this.trouble ??= trouble;
    this.request = null;
    this.waiting.wake();
  }

  /** At most `max` messages, none after `waitMs` without any, null once closed. */
  async take(max: number, waitMs: number): Promise<Delivered[] | null> {
    const until = performance.now() + waitMs;
    for (;;) {
      if (this.closed) return null;
      this.options.link.require();
      if (this.interrupted) await this.recover();
      else {
        this.ask(max);
        if (this.waiting.length > 0) {
          const taken = this.waiting.take(max);
          // Who reads one at a time may be long about it, and others have room for the next.
          if (max > 1) this.ask(max);
          return taken;
        }
        const restMs = until - performance.now();
        if (restMs <= 0) return [];
        await this.waiting.sleep(Math.min(restMs, heartbeatMs));
        this.checkSilence();
      }
    }
  }

  /** Ends taking, and returns what nobody will take. */
  close(): readonly Delivered[] {
    if (this.closed) return [];
    this.closed = true;
    this.endListening();
    this.waiting.wake();
    // What is on its way arrives before the answer to this, and is told to `late`.
    if (this.options.link.up) void this.subscription.drain().catch(() => {});
    else this.subscription.unsubscribe();
    return this.waiting.take(this.waiting.length);
  }

  private subscribe(): Subscription {
    return this.options.link.connection.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => this.arrived(error, message),
    });
  }

  private get nextSubject(): string {
    return `$JS.API.CONSUMER.MSG.NEXT.${this.options.stream}.${this.consumer}`;
  }

  private isAck(subject: string): boolean {
    return subject.startsWith('$JS.ACK.') && subject.includes(`.${this.options.stream}.${this.consumer}.`);
  }

  private ask(batch: number): void {
    const enough = this.waiting.length >= batch || this.waiting.bytes >= bytesPerRequest;
    if (this.request !== null || enough) return;
    const inbox = `${this.inbox}.${++this.requests}`;
    this.request = { inbox, missing: batch, brought: 0 };
    this.heardAt = performance.now();
    this.options.link.connection.publish(this.nextSubject, pullBody(batch, this.requestBytes), {
      reply: inbox,
    });
  }

  private arrived(error: NatsError | null, message: Msg): void {
    this.heardAt = performance.now();
    if (error !== null) this.interrupt(requestFailure(`${this.options.name}: subscribe to an inbox`, error));
    else if (!message.reply) this.statusCame(message);
    else if (this.closed) this.options.late?.(message.reply);
    else this.messageCame(message);
  }

  private messageCame(message: Msg): void {
    const delivered = this.options.deliver(message);
    // One of an earlier consumer was not asked for by this request.
    if (delivered === null) return;
    const { request } = this;
    if (request !== null) {
      request.brought++;
      if (--request.missing === 0) this.request = null;
    }
    this.waiting.add(delivered);
  }

  private statusCame(message: Msg): void {
    const { request } = this;
    // What is said of an earlier request is of no more use.
    if (request?.inbox !== message.subject) return;
    const { name, stream } = this.options;
    const status = pullStatus(message, `${name}: consumer ${this.consumer} of stream ${stream}`);
    if (status === 'open') return;
    this.request = null;
    // One message that is larger than a request may bring would be asked for in vain for ever.
    if (status === 'full' && request.brought === 0)
      this.requestBytes = Math.min(2 * this.requestBytes, largestPayload + overheadBytes);
    if (status instanceof FulcrumError) this.interrupt(status);
    else this.waiting.wake();
  }

  private denied(subject: string): FulcrumError {
    const why = `may not publish to ${subject}: grant it to this user`;
    return new FulcrumError('denied', `${this.options.name}: ${why}`);
  }

  private checkSilence(): void {
    if (this.request === null || performance.now() - this.heardAt < silenceMs) return;
    const why = `nothing heard for ${silenceMs / 1_000} s`;
    this.interrupt(new FulcrumError('unavailable', `${this.options.name}: ${why}`));
  }

  private async recover(): Promise<void> {
    const { trouble } = this;
    this.interrupted = false;
    this.trouble = null;
    try {
      // The library ends one that the server refuses.
      if (this.subscription.isClosed()) this.subscription = this.subscribe();
      await this.options.mend(trouble);
    } catch (error) {
      this.interrupted = true;
      if (!this.closed) throw error;
    }
  }
}
