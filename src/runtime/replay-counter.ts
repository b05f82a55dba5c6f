import type { AcceptedInteraction } from '../events/interaction.js';
import type { CircuitData } from '../events/schemas.js';
import type { ApplyResult } from '../ports.js';

/** What a replay did, as its last line of JSON says it. */
export interface ReplaySummary {
  /** Events that were applied. */
  readonly events: number;
  /** Pairs that had one. */
  readonly pairs: number;
  /** Pairs whose circuit opened at least once. */
  readonly everOpened: number;
  /** Transitions into OPEN. */
  readonly opened: number;
  readonly halfOpened: number;
  /** Transitions into CLOSED by an interaction, */
  readonly closed: number;
  /** and by timed recovery. */
  readonly closedByTime: number;
  /** Pairs that are OPEN when the last event is applied and what was due by then is made. */
  readonly openAtEnd: number;
  readonly deadLetters: number;
  readonly eventsPerSecond: number;
}

/** Events that were accepted and changed nothing. */
export interface Uncounted {
  /** An earlier replay into the same folder had applied them. */
  readonly repeats: number;
  /** Their producer sent them twice. */
  readonly duplicates: number;
  /** Not after the last reset of their pair. */
  readonly superseded: number;
}

/** Counts a replay as it goes. */
export class ReplayCounter {
  private events = 0;
  private readonly pairs = new Set<string>();
  private readonly everOpened = new Set<string>();
  private readonly transitions = { opened: 0, halfOpened: 0, closed: 0, closedByTime: 0 };
  readonly uncounted = { repeats: 0, duplicates: 0, superseded: 0 };
  deadLetters = 0;
  /** Accepted events, whether they counted or not. */
  seen = 0;
  /** The latest time of an event so far, seconds since the epoch. */
  lastTime = 0;

  event({ tenant, pairId, time }: AcceptedInteraction, { kind }: ApplyResult): void {
    this.seen++;
    this.lastTime = Math.max(this.lastTime, time);
    if (kind === 'applied') {
      this.events++;
      this.pairs.add(`${tenant}/${pairId}`);
    } else if (kind === 'repeat') this.uncounted.repeats++;
    else if (kind === 'duplicate') this.uncounted.duplicates++;
    else if (kind === 'superseded') this.uncounted.superseded++;
  }

  circuit({ tenant, pair_id: pairId, to, cause }: CircuitData): void {
    if (to === 'OPEN') {
      this.transitions.opened++;
      this.everOpened.add(`${tenant}/${pairId}`);
    } else if (to === 'HALF_OPEN') this.transitions.halfOpened++;
    else if (to === 'CLOSED' && cause.kind === 'recovery') this.transitions.closedByTime++;
    else if (to === 'CLOSED' && cause.kind === 'interaction') this.transitions.closed++;
  }

  summary(openAtEnd: number, seconds: number): ReplaySummary {
    return {
      events: this.events,
      pairs: this.pairs.size,
      everOpened: this.everOpened.size,
      ...this.transitions,
      openAtEnd,
      deadLetters: this.deadLetters,
      eventsPerSecond: seconds > 0 ? Math.round(this.events / seconds) : 0,
    };
  }
}
