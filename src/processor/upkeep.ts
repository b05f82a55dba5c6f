import { FulcrumError } from '../errors.js';
import { isRejection } from '../events/envelope.js';
import { decodeInteraction } from '../events/interaction.js';
import type { LogSource, SharedStore, SourceMark, SourceMessage, SourceProgress } from '../ports.js';
import { transitionClock } from '../trust/evaluator.js';
import { deliveredEvent, type Work } from './work.js';

/** How often sources are marked and recoveries made, in ms. */
const markEveryMs = 1_000;
/** How often the outbox is looked at for what other processes left in it, in ms. */
const relayEveryMs = 10;
/** Pairs looked at in one step of the sweep. */
const sweepLimit = 500;

/**
 * What the processors of a shared store do together, beside their batches: publish what any of them left in the outbox,
 * write how far the sources are read, and make the recoveries of silent pairs up to the time that all of them have read.
 */
export async function runUpkeep(
  work: Work,
  store: SharedStore,
  sources: readonly LogSource[],
  signal: AbortSignal,
): Promise<void> {
  let markAt = work.timers.elapsedMs();
  while (!signal.aborted) {
    await work.publish();
    if (work.timers.elapsedMs() >= markAt) {
      markAt = work.timers.elapsedMs() + markEveryMs;
      const marks = await work.must('read the marks', () => store.marks());
      await writeMarks(work, store, sources, marks);
      if (work.rules.timedRecovery) await sweep(work, store, sources);
    }
    await work.timers.sleep(relayEveryMs, signal);
  }
}

/** @throws FulcrumError `mismatch` when a log ends before a position that was marked: it is not the one it was */
export async function writeMarks(
  work: Work,
  store: SharedStore,
  sources: readonly LogSource[],
  known: readonly SourceMark[],
): Promise<void> {
  for (const source of sources) {
    // What comes while the source is asked is later than this.
    const now = work.clock();
    const progress = await work.must(`ask ${source.name} how far it is read`, () => source.progress());
    for (const log of progress) refuseRecreated(log, known);
    const marks = progress.map((log) => markOf(work, source, log, now));
    if (marks.length > 0) await work.must('write the mark', () => store.mark(marks));
  }
}

/** Positions of a log that was made anew under its old name would be taken for those of the old one. */
function refuseRecreated({ source, last }: SourceProgress, known: readonly SourceMark[]): void {
  const marked = known.find((mark) => mark.source === source)?.acknowledged ?? 0;
  if (marked > last)
    throw new FulcrumError(
      'mismatch',
      `${source} ends at position ${last}, and ${marked} was acknowledged before: it was made anew or lost its end. ` +
        'On Kafka raise kafka.epoch if the topic was recreated; else look at what the broker lost',
    );
}

function markOf(work: Work, source: LogSource, progress: SourceProgress, now: number): SourceMark {
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

/** A backlog must not close a pair whose failures are still queued, be it another process's. */
async function sweep(work: Work, store: SharedStore, sources: readonly LogSource[]): Promise<void> {
  const marks = await work.must('read the marks', () => store.marks());
  const readTo = new Map(marks.map((mark) => [mark.source, mark.readTo]));
  const until = Math.min(
    ...sources.flatMap((source) => source.logs()).map((log) => readTo.get(log) ?? Number.NEGATIVE_INFINITY),
  );
  if (!Number.isFinite(until)) return;
  for (;;) {
    const request = {
      until,
      limit: sweepLimit,
      policyOf: work.policies().policyOf,
      nowMs: transitionClock(work.clock()),
    };
    const looked = await work.must('make recoveries', () => store.due(request));
    if (looked > 0) await work.publish();
    if (looked < sweepLimit) return;
  }
}
