import { messageOf } from '../errors.js';
import { circuitEventOf } from '../events/circuit.js';
import type { Broker, EventSink, OutboxEntry, SinkMessage, SourceMessage } from '../ports.js';
import { readUp } from '../recovery/read-up.js';
import { GaveUp } from '../retry.js';
import type { Work } from './work.js';

/** How far clocks of relays and brokers may be apart, in seconds. */
const marginSeconds = 60;

export interface LateRepeatsParts extends Pick<Work, 'must' | 'tell'> {
  readonly broker: Pick<Broker, 'follow'>;
  readonly circuits: EventSink;
}

/** The event of a pair's highest transition, as it is published again. */
interface Newest {
  readonly transition: number;
  readonly message: SinkMessage;
  /** The transition of the pair's last record: an older one where a repeat of it came behind the newest. */
  last: number;
}

/**
 * A relay that slept while another took over publishes what that one has published before, be it behind the pair's next
 * transition. It learns so when it removes it. Then it publishes the newest event of the pair once more, so that the last
 * record is the newest again.
 */
export class LateRepeats {
  /** By pair, what was published late and not corrected yet. */
  private late = new Map<string, number>();
  private since = Number.POSITIVE_INFINITY;
  private running: Promise<void> | null = null;

  constructor(private readonly parts: LateRepeatsParts) {}

  /**
   * Corrects what comes of entries that were gone when they were removed, beside whatever else is done.
   *
   * @param readAt when they were read from the outbox, seconds since the epoch
   */
  note(gone: readonly OutboxEntry[], readAt: number): void {
    this.look(
      gone.map(({ tenant, transition }) => [`${tenant}/${transition.pairId}`, transition.transition]),
      readAt,
    );
  }

  /**
   * Looks at pairs whose last record may be an older one than their newest.
   *
   * @param pairs `<tenant>/<pair_id>`, and the transition that was published late
   * @param publishedSince when it was, at the earliest, seconds since the epoch
   */
  look(pairs: Iterable<readonly [pair: string, transition: number]>, publishedSince: number): void {
    for (const [pair, transition] of pairs)
      this.late.set(pair, Math.max(transition, this.late.get(pair) ?? 0));
    if (this.late.size === 0) return;
    this.since = Math.min(this.since, publishedSince - marginSeconds);
    this.running ??= this.correctAll().finally(() => {
      this.running = null;
    });
  }

  /** Resolves when nothing is left to be corrected. */
  async settled(): Promise<void> {
    await this.running;
  }

  private async correctAll(): Promise<void> {
    while (this.late.size > 0) {
      const [late, since] = [this.late, this.since];
      this.late = new Map();
      this.since = Number.POSITIVE_INFINITY;
      try {
        await this.correct(late, since);
      } catch (error) {
        if (!(error instanceof GaveUp))
          this.parts.tell(`late repeats of circuit events stand uncorrected: ${messageOf(error)}`, 'error');
      }
    }
  }

  private async correct(late: ReadonlyMap<string, number>, since: number): Promise<void> {
    const { broker, circuits, must } = this.parts;
    const said = new Map<string, number>(late);
    const newest = new Map<string, Newest>();
    const source = await must('follow the circuits', () => broker.follow('circuits', { since }));
    try {
      // What others published meanwhile may be behind ours in the log, or we behind theirs: until it is ours.
      for (;;) {
        if (!(await readUp(source, must, (message) => takeNewest(newest, late, message)))) return;
        const behind = [...newest].filter(
          ([pair, { transition, last }]) => transition > (said.get(pair) ?? 0) || transition > last,
        );
        if (behind.length === 0) return;
        const messages = behind.map(([, { message }]) => message);
        await must('publish circuit events again', () => circuits.publish(messages));
        for (const [pair, told] of behind) {
          said.set(pair, told.transition);
          told.last = told.transition;
        }
      }
    } finally {
      await source.close();
    }
  }
}

function takeNewest(
  newest: Map<string, Newest>,
  late: ReadonlyMap<string, number>,
  message: SourceMessage,
): void {
  const event = circuitEventOf(message);
  if (event === null) return;
  const { tenant, pair_id: key, transition } = event.data;
  const pair = `${tenant}/${key}`;
  if (!late.has(pair)) return;
  const known = newest.get(pair);
  if (known !== undefined && transition <= known.transition) {
    known.last = transition;
    return;
  }
  const { headers, body } = message;
  const type = headers['content-type'];
  newest.set(pair, {
    transition,
    last: transition,
    message: {
      channel: 'circuits',
      id: event.id,
      tenant,
      key,
      headers: type === undefined ? {} : { 'content-type': type },
      body,
      again: true,
    },
  });
}
