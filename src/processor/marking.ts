/** How far the logs are read, as it is marked in a shared store. */
import { FulcrumError } from '../errors.js';
import { deliveredEvent } from '../events/delivered.js';
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
import type { LateRepeats } from './late-repeats.js';
import type { Work } from './work.js';

/** What the processors of a shared store do together, they do with these. */
export interface SharedParts {
  readonly store: SharedStore;
  readonly interactions: readonly LogSource[];
  readonly commands: readonly LogSource[];
  /** Where logs can be read again; null: there is no log. */
  readonly broker: Pick<Broker, 'follow' | 'standing'> | null;
  /** Told of pairs whose last record may be an older one than their newest, and since when it may be there. */
  readonly overtaken: LateRepeats['look'];
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
      if (endsEarly(log, known)) await refuseIfRecreated(work, parts, source, log, known);
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

type LogEnd = Pick<SourceStanding, 'source' | 'last'>;

/**
 * A reader that others have overtaken says where its log ended a moment ago, and they may have marked more since: the
 * broker says where it ends now.
 */
async function refuseIfRecreated(
  work: Work,
  { broker, commands }: SharedParts,
  source: LogSource,
  log: LogEnd,
  known: readonly SourceMark[],
): Promise<void> {
  const channel = commands.includes(source) ? 'commands' : 'interactions';
  const standing =
    broker === null
      ? []
      : await work.must(`ask how far the ${channel} are read`, () => broker.standing(channel));
  refuseRecreated(standing.find((one) => one.source === log.source) ?? log, known);
}

function endsEarly({ source, last }: LogEnd, known: readonly SourceMark[]): boolean {
  return markedOf(source, known) > last;
}

function markedOf(source: string, known: readonly SourceMark[]): number {
  return known.find((mark) => mark.source === source)?.acknowledged ?? 0;
}

/** Positions of a log that was made anew under its old name would be taken for those of the old one. */
function refuseRecreated(log: LogEnd, known: readonly SourceMark[]): void {
  const { source, last } = log;
  if (endsEarly(log, known))
    throw new FulcrumError(
      'mismatch',
      `${source} ends at position ${last}, and ${markedOf(source, known)} was acknowledged before: it was made anew or lost its end. ` +
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
