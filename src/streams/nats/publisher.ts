import { createInbox, ErrorCode, type Msg, type MsgHdrs, NatsError, type Subscription } from 'nats';
import { answerWithinMs } from './connect.js';
import type { Link } from './link.js';

/** What JetStream says of a message that it was sent. */
interface Answer {
  readonly stream?: string;
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
}

/** A message whose answer is awaited. */
interface Sent {
  readonly subject: string;
  readonly at: number;
  readonly resolve: (stream: string) => void;
  readonly reject: (why: Error) => void;
}

/** How often is looked for messages that were not answered in time. */
const lookEveryMs = 1_000;

/**
 * Publishes, and hears what JetStream says to it. The library's own publish has a timer and a random inbox for every
 * message, which is two thirds of its cost, and hears of a lost connection by silence alone.
 */
export class Publisher {
  private readonly inbox = createInbox();
  /** By the number in their inbox; the oldest first. */
  private readonly sent = new Map<number, Sent>();
  private count = 0;
  private subscription: Subscription | null = null;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly link: Link) {
    link.listen({
      down: () => this.failAll(this.link.away()),
      refused: (subject) => this.refused(subject),
    });
  }

  /**
   * Resolves to the name of the stream that has it.
   *
   * @throws NatsError, or FulcrumError `unavailable` when the connection is lost meanwhile
   */
  publish(subject: string, body: Uint8Array, headers: MsgHdrs): Promise<string> {
    this.subscription ??= this.subscribe();
    const number = ++this.count;
    // What throws here has sent nothing.
    this.link.connection.publish(subject, body, { headers, reply: `${this.inbox}.${number}` });
    this.timer ??= setInterval(() => this.look(), lookEveryMs).unref();
    return new Promise((resolve, reject) => {
      this.sent.set(number, { subject, at: performance.now(), resolve, reject });
    });
  }

  private subscribe(): Subscription {
    return this.link.connection.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.answered(message);
        else {
          // The library ends a subscription that the server refuses.
          this.subscription = null;
          this.failAll(error);
        }
      },
    });
  }

  private answered(message: Msg): void {
    const number = Number(message.subject.slice(this.inbox.length + 1));
    const sent = this.sent.get(number);
    // It was given up before.
    if (sent === undefined) return;
    this.sent.delete(number);
    if (message.data.length === 0) sent.reject(NatsError.errorForCode(ErrorCode.NoResponders));
    else {
      const { stream = '', error } = message.json<Answer>();
      if (error === undefined) sent.resolve(stream);
      else sent.reject(apiError(error));
    }
  }

  private refused(subject: string): void {
    const why = new NatsError(
      `Permissions Violation for Publish to "${subject}"`,
      ErrorCode.PermissionsViolation,
    );
    for (const [number, sent] of this.sent) if (sent.subject === subject) this.fail(number, sent, why);
  }

  private look(): void {
    const oldest = performance.now() - answerWithinMs;
    for (const [number, sent] of this.sent) {
      if (sent.at > oldest) return;
      this.fail(number, sent, NatsError.errorForCode(ErrorCode.Timeout));
    }
    if (this.sent.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }

  private failAll(why: Error): void {
    for (const [number, sent] of this.sent) this.fail(number, sent, why);
  }

  private fail(number: number, sent: Sent, why: Error): void {
    this.sent.delete(number);
    sent.reject(why);
  }
}

function apiError(error: NonNullable<Answer['error']>): NatsError {
  return Object.assign(new NatsError(error.description, String(error.code)), { api_error: error });
}
