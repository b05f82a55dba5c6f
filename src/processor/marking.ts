/** How far the logs are read, as it is marked in a shared store. */
import { FulcrumError } from '../errors.js';
import { isRejection } from '../events/envelope.js';
import { decodeInteraction } from '../events/interaction.js';
import type {
  Broker,
  LogSource,
  SharedStore,
  SourceMark,
  SourceMessage,
  SourceProgress,
  SourceStanding,
} from '../ports.js';
import { deliveredEvent, type Work } from './work.js';

/** What the processors of a shared store do together, they do with these. */
export interface SharedParts {
  readonly store: SharedStore;
  readonly interactions: readonly LogSource[];
  readonly commands: readonly LogSource[];
  /** Where logs can be read again; null: there is no log. */
  readonly broker: Pick<Broker, 'follow' | 'standing'> | null;
}

/**
 * How far the logs are acknowledged, whoever reads them: what a processor knows before it was handed anything.
 *
 * @throws FulcrumError `mismatch` as {@link progressMarks} does
 */
export async function standingMarks(work: Work, parts: SharedParts): Promise<readonly SourceMark[]> {
  const { broker } = parts;
  if (broker === null) return progressMarks(work, parts);
  const known = await readMarks(work, parts);
  const marks: SourceMark[] = [];
  for (const channel of ['interactions', 'commands'] as const) {
    if (parts[channel].length === 0) continue;
    const standing = await work.must(`ask how far the ${channel} are read`, () => broker.standing(channel));
    for (const log of standing) {
      refuseRecreated(log, known);
      marks.push({ source: log.source, acknowledged: log.acknowledged });
    }
  }
  return marks;
}

/**
 * How far the logs are read that this processor can speak for.
 *
 * @throws FulcrumError `mismatch` when a log ends before a position that was marked: it is not the one it was
 */
export async function progressMarks(work: Work, parts: SharedParts): Promise<readonly SourceMark[]> {
  const known = await readMarks(work, parts);
  const marks: SourceMark[] = [];
  for (const source of [...parts.interactions, ...parts.commands]) {
    // What comes while the source is asked is later than this.
    const now = work.clock();
    for (const log of await work.must(`ask ${source.name} how far it is read`, () => source.progress())) {
      refuseRecreated(log, known);
      // No recovery waits for commands, so up to what time they are read says nothing.
      if (parts.commands.includes(source)) marks.push({ source: log.source, acknowledged: log.acknowledged });
      else marks.push(markOf(work, source, log, now));
    }
  }
  return marks;
}

export function readMarks(work: Work, { store }: SharedParts): Promise<readonly SourceMark[]> {
  return work.must('read the marks', () => store.marks());
}

/** Positions of a log that was made anew under its old name would be taken for those of the old one. */
function refuseRecreated(
  { source, last }: Pick<SourceStanding, 'source' | 'last'>,
  known: readonly SourceMark[],
): void {
  const marked = known.find((mark) => mark.source === source)?.acknowledged ?? 0;
  if (marked > last)
    throw new FulcrumError(
      'mismatch',
      `${source} ends at position ${last}, and ${marked} was acknowledged before: it was made anew or lost its end. ` +
        'On Kafka raise kafka.epoch if the topic was recreated; else look at what the broker lost',
    );
}

/** How far a log is read, and up to what time of its events. */
export function markOf(work: Work, source: LogSource, progress: SourceProgress, now: number): SourceMark {
  const { acknowledged, next } = progress;
  const readTo = next === null ? now : timeOf(work, source, next);
  return { source: progress.source, acknowledged, ...(readTo === null ? {} : { readTo }) };
}

/** The time of an event, but not later than the broker took it; the broker's where it is none. */
function timeOf(work: Work, source: LogSource, message: SourceMessage): number | null {
  const event = decodeInteraction(deliveredEvent(source, message), work.limits);
  const { receivedAt } = message;
  if (isRejection(event)) return receivedAt;
  return receivedAt === null ? event.time : Math.min(event.time, receivedAt);
}
