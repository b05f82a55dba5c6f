/** What the circuits log says, record by record, and whether it is what was promised. */
import type { CircuitEvent } from '../../src/events/schemas.js';
import type { LogRecord } from './broker.js';

interface Published {
  readonly body: Buffer;
  readonly event: CircuitEvent;
}

interface CircuitsOfPair {
  /** By their number, in the order in which each was published first. */
  readonly byTransition: Map<number, Published>;
  highest: number;
  /** Of the last records, in the order of the log. */
  readonly lately: number[];
}

/** What a new reader of the log takes for a pair's circuit. */
export interface LastKnown {
  readonly transition: number;
  readonly to: string;
}

/** Of a pair whose last record is not the newest, so many are shown. */
const recordsShown = 6;

export class Circuits {
  private readonly pairs = new Map<string, CircuitsOfPair>();
  /** When resets took effect, by the id of their command. */
  readonly resets = new Map<string, number>();
  records = 0;
  /** Records of a transition that was there before. */
  repeats = 0;
  /** Repeats that came after a later transition of their pair. */
  lateRepeats = 0;
  /** Transitions of pairs under `opening: change`. */
  underChange = 0;
  private readonly faults: string[] = [];

  get transitions(): number {
    let sum = 0;
    for (const { byTransition } of this.pairs.values()) sum += byTransition.size;
    return sum;
  }

  add(record: LogRecord): void {
    const body = Buffer.from(record.body);
    const event = JSON.parse(body.toString('utf8')) as CircuitEvent;
    const { tenant, pair_id, transition, cause, occurred_at } = event.data;
    const key = `${tenant}/${pair_id}`;
    if (event.id !== `${key}/${transition}`) this.faults.push(`${event.id} is no id of ${key}/${transition}`);
    this.records++;
    const pair = this.pairOf(key);
    const known = pair.byTransition.get(transition);
    pair.lately.push(transition);
    if (pair.lately.length > recordsShown) pair.lately.shift();
    if (known !== undefined) {
      this.repeats++;
      if (transition < pair.highest) this.lateRepeats++;
      if (!known.body.equals(body)) this.faults.push(`${event.id} was published with two payloads`);
      return;
    }
    if (transition < pair.highest)
      this.faults.push(`${event.id} was published first after transition ${pair.highest}`);
    pair.byTransition.set(transition, { body, event });
    if (event.data.opening === 'change') this.underChange++;
    pair.highest = Math.max(pair.highest, transition);
    if (event.type.endsWith('.reset.v1') && cause.kind === 'operator' && cause.event_id !== undefined) {
      const id = `/${cause.event_id}`;
      this.resets.set(id, Math.max(occurred_at, this.resets.get(id) ?? occurred_at));
    }
  }

  lastKnown(key: string): LastKnown | null {
    const pair = this.pairs.get(key);
    return pair?.byTransition.get(pair.highest)?.event.data ?? null;
  }

  /**
   * What is not as promised.
   *
   * @param writesWereLost then a transition may follow an earlier one of its pair than the last that was published
   */
  check(writesWereLost: boolean): string[] {
    const found = [...this.faults];
    for (const [key, { byTransition, highest, lately }] of this.pairs) {
      if (lately.at(-1) !== highest)
        found.push(`${key}: ${highest} was published, and the last records are of ${lately.join(', ')}`);
      let before = 0;
      for (const [transition, { event }] of [...byTransition].sort(([a], [b]) => a - b)) {
        const { previous_transition: previous } = event.data;
        const known = previous === 0 || byTransition.has(previous);
        if (previous !== before && !(writesWereLost && previous < transition && known))
          found.push(`${event.id} follows ${previous}, and the transition before it is ${before}`);
        before = transition;
      }
    }
    return found;
  }

  private pairOf(key: string): CircuitsOfPair {
    let pair = this.pairs.get(key);
    if (pair === undefined) {
      pair = { byTransition: new Map(), highest: 0, lately: [] };
      this.pairs.set(key, pair);
    }
    return pair;
  }
}
