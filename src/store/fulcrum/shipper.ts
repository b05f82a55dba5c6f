import { messageOf } from '../../errors.js';
import { BoundedQueue } from './queue.js';

export interface ShipperOptions {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** How long one request may take, in ms. */
  readonly timeoutMs: number;
  /** Events that may wait; the oldest is dropped for a newer one. */
  readonly maxQueued: number;
  /** Told in one line when the server does not take events, and when it does again. */
  readonly onStatus: (line: string, level: 'info' | 'warn') => void;
}

/** What became of the events so far. */
export interface ShipperCounts {
  /** Accepted by the server. */
  readonly shipped: number;
  /** Still waiting. */
  readonly queued: number;
  /** Given up because the queue was full. */
  readonly dropped: number;
  /** The server said that the event itself is wrong; it is not sent again. */
  readonly refused: number;
}

const firstPauseMs = 200;
const longestPauseMs = 30_000;

/** What a server says of one request: taken, wrong in itself, or to be tried again. */
type Answer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'later'; readonly why: string; readonly afterMs: number | null };

/**
 * Posts events to a server, one after the other and in order, beside whatever else the process does: whoever adds one
 * never waits. A server that is away is tried again with growing pauses, which do not keep the process alive.
 */
export class Shipper {
  private readonly queue: BoundedQueue<string>;
  private sending: Promise<void> | null = null;
  private shipped = 0;
  private refused = 0;
  private failing = false;
  private stopped = false;
  private request: AbortController | null = null;
  private wake: () => void = () => {};

  constructor(private readonly options: ShipperOptions) {
    this.queue = new BoundedQueue(options.maxQueued);
  }

  get counts(): ShipperCounts {
    const { shipped, refused, queue } = this;
    return { shipped, queued: queue.length, dropped: queue.dropped, refused };
  }

  add(event: object): void {
    if (this.stopped) return;
    this.queue.push(JSON.stringify(event));
    this.start();
  }

  /** Waits until nothing waits any more, at most so long; the server is asked at once. True: all was sent. */
  async flush(withinMs: number): Promise<boolean> {
    this.wake();
    const deadline = sleep(withinMs, true);
    while (this.sending !== null) {
      const over = await Promise.race([this.sending.then(() => false), deadline.then(() => true)]);
      if (over) break;
    }
    deadline.end();
    return this.queue.length === 0;
  }

  /** Sends no more. */
  stop(): void {
    this.stopped = true;
    this.request?.abort();
    this.wake();
  }

  private start(): void {
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
      if (this.queue.length > 0 && !this.stopped) this.start();
    });
  }

  private async sendAll(): Promise<void> {
    let pauseMs = firstPauseMs;
    for (let event = this.queue.first; event !== undefined; event = this.queue.first) {
      if (this.stopped) return;
      const answer = await this.post(event);
      if (answer.kind === 'later') {
        this.tell(answer.why);
        await this.pause(answer.afterMs ?? pauseMs);
        pauseMs = Math.min(2 * pauseMs, longestPauseMs);
        continue;
      }
      pauseMs = firstPauseMs;
      this.queue.remove(event);
      this.settle(answer);
    }
  }

  private settle(answer: Exclude<Answer, { kind: 'later' }>): void {
    if (answer.kind === 'refused') {
      this.refused++;
      this.options.onStatus(`${this.options.url} refuses an event: ${answer.why}`, 'warn');
      return;
    }
    this.shipped++;
    if (this.failing) this.options.onStatus(`${this.options.url} takes events again`, 'info');
    this.failing = false;
  }

  private tell(why: string): void {
    if (!this.failing) this.options.onStatus(`${this.options.url} takes no events: ${why}`, 'warn');
    this.failing = true;
  }

  private async post(body: string): Promise<Answer> {
    const { url, headers, timeoutMs } = this.options;
    const request = new AbortController();
    const late = setTimeout(() => request.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    this.request = request;
    try {
      const response = await fetch(url, { method: 'POST', headers, body, signal: request.signal });
      // A body that is not read keeps its connection from being used again.
      await response.arrayBuffer();
      return answerOf(response.status, response.headers.get('retry-after'));
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      return { kind: 'later', why: messageOf(cause), afterMs: null };
    } finally {
      clearTimeout(late);
      this.request = null;
    }
  }

  private async pause(ms: number): Promise<void> {
    const pause = sleep(ms, false);
    this.wake = pause.end;
    await pause;
    this.wake = () => {};
  }
}

function answerOf(status: number, retryAfter: string | null): Answer {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const why = `status ${status}`;
  // A key may be put right, a proxy may come back: only what is said of the event itself is final.
  const isFinal = status >= 400 && status < 500 && ![401, 403, 404, 407, 408, 425, 429].includes(status);
  if (isFinal) return { kind: 'refused', why };
  const seconds = Number(retryAfter ?? Number.NaN);
  const asked = retryAfter !== null && seconds >= 0;
  return { kind: 'later', why, afterMs: asked ? Math.min(1_000 * seconds, longestPauseMs) : null };
}

/** Waits, or less long when it is told to end. */
function sleep(ms: number, keepsAlive: boolean): Promise<void> & { end(): void } {
  let end = (): void => {};
  const slept = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (!keepsAlive) timer.unref();
    end = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return Object.assign(slept, { end });
}
