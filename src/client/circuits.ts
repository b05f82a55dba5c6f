import { systemTimers } from '../clock.js';
import { FulcrumError, messageOf } from '../errors.js';
import { TrustValueError } from '../trust/errors.js';
import type { TransitionType } from '../trust/transition.js';
import { Changes } from './changes.js';
import type { CircuitChange, PairCircuit } from './circuit.js';
import { Listeners } from './listeners.js';
import { CircuitView } from './view.js';
import type { Way } from './way.js';

/**
 * What happens while the client cannot know circuits. `failOpen`: circuits that were last known to be open stay open,
 * all others let calls through. `failClosed`: no call is let through.
 */
export type WhenStale = 'failOpen' | 'failClosed';

/** What can be listened to. */
export type CircuitEvents = {
  readonly [Type in TransitionType]: readonly [change: CircuitChange];
} & {
  /** Any of the above. */
  readonly change: readonly [change: CircuitChange];
  /** The client lost touch: changes may go unheard, until `fresh`. */
  readonly stale: readonly [since: Date, reason: FulcrumError];
  /** All changes that went unheard are known. */
  readonly fresh: readonly [];
};

const eventNames: ReadonlySet<unknown> = new Set<keyof CircuitEvents>([
  'opened',
  'half_opened',
  'closed',
  'terminated',
  'reset',
  'change',
  'stale',
  'fresh',
]);

export interface CircuitsOptions {
  readonly tenant: string;
  readonly way: Pick<Way, 'watch' | 'probes'>;
  readonly whenStale: WhenStale;
  /** How long a view may be stale until it is not trusted, in ms. */
  readonly staleAfterMs: number;
}

/** Changes that wait for one reader; of more, the oldest go. */
const mostWaiting = 10_000;
const reopenMs = 1_000;

/** All open circuits of the tenant, in this process: looking one up asks nobody. */
export class Circuits implements AsyncIterable<CircuitChange> {
  private readonly view: CircuitView;
  private readonly listeners = new Listeners<CircuitEvents>();
  private readonly readers = new Set<Changes<CircuitChange>>();
  private readonly troubles = new Listeners<{ trouble: [error: FulcrumError] }>();
  private trouble: FulcrumError | null = null;
  private since: Date | null = new Date();
  private untrusted = true;
  private untrustedLater: NodeJS.Timeout | undefined;
  private readonly stopped = new AbortController();
  private invalidEvents = 0;
  private missedChanges = 0;
  private readonly watching: Promise<void>;

  constructor(private readonly options: CircuitsOptions) {
    this.view = new CircuitView(options.way.probes !== null);
    this.watching = this.watch();
  }

  /** Since when changes may have gone unheard; null: the view is up to date. */
  get staleSince(): Date | null {
    return this.since;
  }

  /** Whether look-ups answer by what is known: the view is up to date, or has not been stale for long. */
  get trusted(): boolean {
    return !this.untrusted;
  }

  /** Events that were none and were skipped, and changes that a slow `for await` did not get. */
  get counts(): { readonly invalidEvents: number; readonly missedChanges: number } {
    return { invalidEvents: this.invalidEvents, missedChanges: this.missedChanges };
  }

  /**
   * Whether calls of the pair have to stop: its circuit is OPEN or TERMINATED, HALF_OPEN too where this client cannot
   * become the probe. Never for a pair in shadow mode. Agents in either order. While the view cannot be trusted,
   * `whenStale` decides for the pairs that are not known to be open.
   *
   * @throws TrustValueError when a name is no string, or empty
   */
  isOpen(agentA: string, agentB: string): boolean {
    if (typeof agentA !== 'string' || agentA.length === 0) throw noName('agentA', agentA);
    if (typeof agentB !== 'string' || agentB.length === 0) throw noName('agentB', agentB);
    return this.view.stops(agentA, agentB) || (this.untrusted && this.options.whenStale === 'failClosed');
  }

  /** The circuit of a pair, agents in either order; undefined when it is CLOSED, as far as is known. */
  get(agentA: string, agentB: string): PairCircuit | undefined {
    return this.view.get(agentA, agentB);
  }

  /** All circuits that are not CLOSED, in shadow mode too. */
  list(): PairCircuit[] {
    return [...this.view.notClosed()];
  }

  /**
   * Calls back for every change of a kind, as it is heard of; what is learnt on connecting counts as a change.
   *
   * @returns what ends it
   * @throws FulcrumError `usage` for a name that there is not
   */
  on<Name extends keyof CircuitEvents>(
    name: Name,
    listener: (...args: CircuitEvents[Name]) => void,
  ): () => void {
    if (!eventNames.has(name))
      throw new FulcrumError(
        'usage',
        `circuits.on: there is no ${String(name)}, only ${[...eventNames].join(', ')}`,
      );
    return this.listeners.add(name, listener);
  }

  /** Every change from now on, until the client is closed. One who reads slowly gets the newest 10,000. */
  [Symbol.asyncIterator](): AsyncIterableIterator<CircuitChange> {
    const changes = new Changes<CircuitChange>(
      mostWaiting,
      () => this.readers.delete(changes),
      () => this.missedChanges++,
    );
    if (this.stopped.signal.aborted) changes.end();
    else this.readers.add(changes);
    return changes;
  }

  /** Resolves when the view is up to date. Rejects with what keeps it from that, after so long. */
  async ready(withinMs: number): Promise<void> {
    if (this.since === null) return;
    let offs: readonly (() => void)[] = [];
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        offs = [
          this.listeners.add('fresh', resolve),
          this.troubles.add('trouble', (error) => {
            // What waiting cannot mend.
            if (error.code !== 'unavailable') reject(error);
          }),
        ];
        const late = new FulcrumError('unavailable', `circuits are not known after ${withinMs} ms`);
        timer = setTimeout(() => reject(this.trouble ?? late), withinMs);
      });
    } finally {
      clearTimeout(timer);
      for (const off of offs) off();
    }
  }

  /** Hears of nothing more. What was known can still be looked up. */
  async close(): Promise<void> {
    this.stopped.abort();
    await this.watching;
    clearTimeout(this.untrustedLater);
    for (const reader of [...this.readers]) reader.end();
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      try {
        for await (const item of this.options.way.watch(signal)) {
          switch (item.kind) {
            case 'change':
              if (item.change.tenant === this.options.tenant && this.view.take(item.change))
                this.tell(item.change);
              break;
            case 'known':
              if (item.all !== null) for (const change of this.view.learnAll(item.all)) this.tell(change);
              this.becameFresh();
              break;
            case 'invalid':
              this.invalidEvents++;
              break;
            case 'disconnected':
              this.becameStale(item.error);
          }
        }
      } catch (error) {
        this.becameStale(asFulcrum(error));
      }
      // It ended in a way that only beginning anew can mend.
      await systemTimers.sleep(reopenMs, signal);
    }
  }

  private tell(change: CircuitChange): void {
    this.listeners.tell(change.type, change);
    this.listeners.tell('change', change);
    for (const reader of this.readers) reader.push(change);
  }

  private becameFresh(): void {
    clearTimeout(this.untrustedLater);
    this.untrusted = false;
    if (this.since === null) return;
    this.since = null;
    this.listeners.tell('fresh');
  }

  private becameStale(reason: FulcrumError): void {
    if (this.stopped.signal.aborted) return;
    this.trouble = reason;
    this.troubles.tell('trouble', reason);
    if (this.since !== null) return;
    this.since = new Date();
    const distrust = (): void => {
      this.untrusted = true;
    };
    this.untrustedLater = setTimeout(distrust, this.options.staleAfterMs).unref();
    this.listeners.tell('stale', this.since, reason);
  }
}

function noName(argument: string, name: unknown): TrustValueError {
  return new TrustValueError(argument, name, 'must be a string that is not empty');
}

function asFulcrum(error: unknown): FulcrumError {
  if (error instanceof FulcrumError) return error;
  return new FulcrumError('unavailable', `circuits cannot be followed: ${messageOf(error)}`, {
    cause: error,
  });
}
