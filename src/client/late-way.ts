/** A way to a server that may not be there yet. */
import { systemTimers } from '../clock.js';
import { FulcrumError, isPermanent, messageOf } from '../errors.js';
import type { Lease, Probes } from '../ports.js';
import type { StatusListener } from './options.js';
import type { Refused } from './outbox.js';
import type { Report } from './report.js';
import type { WatchItem, Way } from './way.js';

const firstPauseMs = 250;
const longestPauseMs = 5_000;

/** Resolves when the signal does. */
function aborted(signal: AbortSignal): Promise<null> {
  if (signal.aborted) return Promise.resolve(null);
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
}

export class LateWay implements Way {
  readonly probes: Probes | null;
  private way: Way | null = null;
  private trouble = new FulcrumError('unavailable', 'the server is not reached yet');
  private readonly stopped = new AbortController();
  private readonly opening: Promise<Way | null>;

  /** @param canProbe whether the way will be able to say who is the probe */
  constructor(
    private readonly open: () => Promise<Way>,
    canProbe: boolean,
    private readonly onStatus: StatusListener,
  ) {
    this.probes = canProbe ? { lease: (...asked) => this.lease(...asked) } : null;
    this.opening = this.openAtLast();
  }

  async send(batch: readonly Report[]): Promise<readonly Refused[]> {
    return this.require().send(batch);
  }

  async *watch(signal: AbortSignal): AsyncGenerator<WatchItem> {
    if (this.way === null) yield { kind: 'disconnected', error: this.trouble };
    const way = await Promise.race([this.opening, aborted(signal)]);
    if (way !== null) yield* way.watch(signal);
  }

  async close(): Promise<void> {
    this.stopped.abort();
    await (await this.opening)?.close();
  }

  private require(): Way {
    if (this.way === null) throw this.trouble;
    return this.way;
  }

  /** Null: it was closed before. */
  private async openAtLast(): Promise<Way | null> {
    const { signal } = this.stopped;
    for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        this.way = await this.open();
        return this.way;
      } catch (error) {
        const told = this.trouble.message;
        this.trouble =
          error instanceof FulcrumError
            ? error
            : new FulcrumError('unavailable', messageOf(error), { cause: error });
        if (told !== this.trouble.message)
          this.onStatus(`${this.trouble.message}; trying again`, isPermanent(error) ? 'error' : 'warn');
        await systemTimers.sleep(pauseMs, signal);
      }
    }
    return null;
  }

  private lease(...asked: Parameters<Probes['lease']>): Lease {
    const { probes } = this.require();
    if (probes === null) throw this.trouble;
    return probes.lease(...asked);
  }
}
