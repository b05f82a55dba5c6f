import { systemClock, systemTimers, type Timers } from '../clock.js';
import { circuitMessage } from '../events/circuit.js';
import type { Clock, EventSink, Outbox, OutboxEntry } from '../ports.js';

export interface RelayOptions {
  /** @defaultValue the system's */
  readonly timers?: Timers;
  /** @defaultValue the system's */
  readonly clock?: Clock;
  /**
   * Told of entries behind whose pair's newest record an older one may stand now, and since when, seconds since the epoch:
   * they were gone from the outbox when they were published, or may have been published, or were published twice, of which
   * a broker may have taken the older one for news and the newer one for a repeat.
   *
   * @defaultValue nobody
   */
  readonly onGone?: (entries: readonly OutboxEntry[], readAt: number) => void;
}

/** Entries taken out of the outbox at a time. */
const maxEntries = 500;

/**
 * Publishes what the outbox holds: publish, await the sink, then remove. A crash in between publishes an entry
 * again, under the same id. A pair's transition waits until the one before it is safe.
 */
export class Relay {
  private running: Promise<void> | null = null;
  private queued: Promise<void> | null = null;
  /** The first of each pair of what was read: it may be published, though publishing or removing it failed. */
  private unsure: { readonly entries: readonly OutboxEntry[]; readonly readAt: number } | null = null;
  private readonly timers: Timers;
  private readonly clock: Clock;
  private readonly onGone: NonNullable<RelayOptions['onGone']>;

  constructor(
    private readonly outbox: Outbox,
    private readonly sink: EventSink,
    options: RelayOptions = {},
  ) {
    this.timers = options.timers ?? systemTimers;
    this.clock = options.clock ?? systemClock;
    this.onGone = options.onGone ?? (() => {});
  }

  /** Resolves when all that was in the outbox at the time of the call is published. */
  flush(): Promise<void> {
    if (this.running === null) {
      this.running = this.drain().finally(() => {
        this.running = null;
      });
      return this.running;
    }
    // A drain that has begun may have read past what this caller waits for.
    this.queued ??= this.running
      .catch(() => {})
      .then(() => {
        this.queued = null;
        return this.flush();
      });
    return this.queued;
  }

  private async drain(): Promise<void> {
    for (;;) {
      const readAt = this.clock();
      const entries = await this.outbox.read(maxEntries);
      const againSince = this.tellOfUnsure(entries);
      if (entries.length === 0) return;
      const rounds = roundsByPair(entries);
      this.unsure = { entries: rounds[0] ?? [], readAt };
      for (const round of rounds) await this.sink.publish(round.map(circuitMessage));
      const gone = await this.outbox.remove(entries);
      this.unsure = null;
      if (gone.length > 0) this.onGone(gone, readAt);
      if (againSince !== null && rounds.length > 1) this.onGone(rounds.slice(1).flat(), againSince);
      // There was no more: what came since is for whoever asks since.
      if (entries.length < maxEntries) return;
      // A sink and an outbox in this process answer at once; those who read what is published need a turn too.
      await this.timers.turn();
    }
  }

  /**
   * Of what is gone by now nothing else would be heard; what is still there is published once more.
   *
   * @returns when it was read the first time, null: nothing is published twice
   */
  private tellOfUnsure(entries: readonly OutboxEntry[]): number | null {
    const { unsure } = this;
    this.unsure = null;
    if (unsure === null) return null;
    const there = new Set(entries.map(({ id }) => id));
    const gone = unsure.entries.filter(({ id }) => !there.has(id));
    if (gone.length > 0) this.onGone(gone, unsure.readAt);
    return gone.length < unsure.entries.length ? unsure.readAt : null;
  }
}

/** Splits entries, in order, so that no round has two of one pair. */
export function roundsByPair(entries: readonly OutboxEntry[]): OutboxEntry[][] {
  const rounds: OutboxEntry[][] = [];
  const roundOf = new Map<string, number>();
  for (const entry of entries) {
    const pair = `${entry.tenant}/${entry.transition.pairId}`;
    const round = roundOf.get(pair) ?? 0;
    roundOf.set(pair, round + 1);
    let entriesOfRound = rounds[round];
    if (entriesOfRound === undefined) {
      entriesOfRound = [];
      rounds[round] = entriesOfRound;
    }
    entriesOfRound.push(entry);
  }
  return rounds;
}
