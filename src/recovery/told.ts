import { FulcrumError } from '../errors.js';
import type { Broker, LogSource } from '../ports.js';
import type { Work } from '../processor/work.js';
import { readCircuits } from './circuits-log.js';
import { PinnedResets } from './pinned-resets.js';
import { PublishedCircuits, type PublishedPair } from './published-circuits.js';
import { type Reconciled, reconcile } from './reconcile.js';

/** How far the clocks of processors and brokers may be apart, in seconds. */
const marginSeconds = 60;

/** What was told of circuits since a time. */
export class Told {
  readonly resets = new PinnedResets();
  /** By `<tenant>/<pair_id>`, the transition of the last record. */
  private readonly last = new Map<string, number>();
  private readonly published = new PublishedCircuits();

  private constructor(
    private readonly work: Work,
    private readonly source: LogSource,
  ) {}

  /** @param since seconds since the epoch, by any clock; 0: all that is kept */
  static async since(work: Work, broker: Pick<Broker, 'follow'>, since: number): Promise<Told> {
    const from = since === 0 ? 'start' : { since: Math.max(0, since - marginSeconds) };
    return new Told(work, await work.must('follow the circuits', () => broker.follow('circuits', from)));
  }

  /** Takes in all that the log holds by now. */
  async read(): Promise<void> {
    await readCircuits(this.work, this.source, (event) => {
      this.resets.take(event);
      this.published.take(event);
      this.last.set(`${event.data.tenant}/${event.data.pair_id}`, event.data.transition);
    });
  }

  /**
   * Pairs whose last record is an older one than their newest, and which it is. A store that lost the removal of an entry
   * that was published has it to be published again, be it behind what came after it.
   */
  *overtaken(): Generator<readonly [pair: string, transition: number]> {
    for (const { tenant, pairId, published } of this.published.all()) {
      const pair = `${tenant}/${pairId}`;
      const last = this.last.get(pair) ?? published.transition;
      if (last < published.transition) yield [pair, last];
    }
  }

  /** Tells of the pairs of which more was published than the store knows of, and which stand otherwise. */
  async reconcile(): Promise<Reconciled> {
    const ahead: PublishedPair[] = [];
    for (const pair of this.published.all()) if (await this.isAhead(pair)) ahead.push(pair);
    return reconcile(this.work, { published: { all: () => ahead, has: () => true }, whole: false });
  }

  close(): void | Promise<void> {
    return this.source.close();
  }

  /** What the store knows of is published by it, or will be. */
  private isAhead({ tenant, pairId, published }: PublishedPair): Promise<boolean> {
    return this.work.must('read a pair', async () => {
      try {
        const pair = await this.work.store.read(tenant, pairId);
        return (pair?.transition ?? 0) < published.transition;
      } catch (error) {
        if (error instanceof FulcrumError && error.code === 'state_unreadable') return true;
        throw error;
      }
    });
  }
}
