/** How well a rule opens circuits on a log whose outages are known: runs of so many failures of one pair. */
import type { Interaction } from '../trust/step.js';

/** What a rule made of one event of a pair. */
export interface Judged {
  /** The circuit was CLOSED when the event came, */
  readonly wasClosed: boolean;
  /** and by it went from there to OPEN. */
  readonly opened: boolean;
  /** When the circuit was closed since the event before, seconds since the epoch; null: it was not. */
  readonly closedAt: number | null;
}

/** One pair's circuit under a rule: is given the pair's events in their order. */
export type Judge = (event: Interaction) => Judged;

export interface OpeningRule {
  readonly name: string;
  /** A circuit of a pair never seen. */
  readonly judge: () => Judge;
}

/** The figures of one rule. */
export interface RuleFigures {
  readonly rule: string;
  /** Circuits that went from CLOSED to OPEN, how often. */
  readonly openings: number;
  readonly outages: number;
  /** Outages before which the circuit was CLOSED: all that a rule can find. Of these: */
  readonly closedBefore: number;
  /** opened within five failures, */
  readonly within5: number;
  /** failures until it opened, of 95 % of those where it did (nearest rank); null: none did, */
  readonly p95Failures: number | null;
  /** never opened. */
  readonly missed: number;
  /** Openings outside outages. */
  readonly falseOpenings: number;
  /** Events outside outages, */
  readonly goodEvents: number;
  /** and how many false openings come on 10,000 of them. */
  readonly falsePer10000: number;
  /** From the last failure of an outage to the close of the circuit that was open then; null: none was closed. */
  readonly medianSecondsToClose: number | null;
}

/** A run of failures that may yet turn out to be an outage. */
interface Run {
  failures: number;
  lastTime: number;
  readonly wasClosed: boolean;
  /** After how many of its failures the circuit first opened. */
  openedAfter: number | null;
  openings: number;
}

interface PairUnderRule {
  readonly judge: Judge;
  run: Run | null;
  isClosed: boolean;
  /** The last failure of an outage at whose end the circuit was not closed, and is not yet. */
  outageEnd: number | null;
}

/** Counts one rule over all pairs of a log. */
export class RuleCounter {
  private readonly pairs = new Map<string, PairUnderRule>();
  private openings = 0;
  private outages = 0;
  private closedBefore = 0;
  private missed = 0;
  private falseOpenings = 0;
  private goodEvents = 0;
  private readonly failuresToOpen: number[] = [];
  private readonly secondsToClose: number[] = [];

  /** @param outageRun how many failures in a row are an outage */
  constructor(
    private readonly rule: OpeningRule,
    private readonly outageRun: number,
  ) {}

  event(pairKey: string, event: Interaction): void {
    const pair = this.pairOf(pairKey);
    const { wasClosed, opened, closedAt } = pair.judge(event);
    if (event.outcome !== 'failure') this.endRun(pair);
    if (closedAt !== null && pair.outageEnd !== null) {
      this.secondsToClose.push(closedAt - pair.outageEnd);
      pair.outageEnd = null;
    }
    pair.isClosed = (wasClosed || closedAt !== null) && !opened;
    if (opened) this.openings++;
    if (event.outcome !== 'failure') {
      this.goodEvents++;
      if (opened) this.falseOpenings++;
      return;
    }
    pair.run ??= { failures: 0, lastTime: 0, wasClosed, openedAfter: null, openings: 0 };
    pair.run.failures++;
    pair.run.lastTime = event.time;
    if (!opened) return;
    pair.run.openings++;
    pair.run.openedAfter ??= pair.run.failures;
  }

  /** The figures, when all events were given. */
  figures(): RuleFigures {
    for (const pair of this.pairs.values()) this.endRun(pair);
    const { failuresToOpen, falseOpenings, goodEvents } = this;
    return {
      rule: this.rule.name,
      openings: this.openings,
      outages: this.outages,
      closedBefore: this.closedBefore,
      within5: failuresToOpen.filter((failures) => failures <= 5).length,
      p95Failures: nearestRank(failuresToOpen, 0.95),
      missed: this.missed,
      falseOpenings,
      goodEvents,
      falsePer10000: goodEvents === 0 ? 0 : (10_000 * falseOpenings) / goodEvents,
      medianSecondsToClose: nearestRank(this.secondsToClose, 0.5),
    };
  }

  private pairOf(key: string): PairUnderRule {
    let pair = this.pairs.get(key);
    if (pair === undefined) {
      pair = { judge: this.rule.judge(), run: null, isClosed: true, outageEnd: null };
      this.pairs.set(key, pair);
    }
    return pair;
  }

  private endRun(pair: PairUnderRule): void {
    const { run } = pair;
    if (run === null) return;
    pair.run = null;
    if (run.failures < this.outageRun) {
      this.goodEvents += run.failures;
      this.falseOpenings += run.openings;
      return;
    }
    this.outages++;
    if (!pair.isClosed) pair.outageEnd = run.lastTime;
    if (!run.wasClosed) return;
    this.closedBefore++;
    if (run.openedAfter === null) this.missed++;
    else this.failuresToOpen.push(run.openedAfter);
  }
}

/** The value below or at which so large a part of them lie; null where there are none. */
function nearestRank(values: readonly number[], part: number): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? null;
}
