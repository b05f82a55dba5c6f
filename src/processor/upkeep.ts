import type { LostTail } from '../ports.js';
import { Recovery } from '../recovery/recovery.js';
import { transitionClock } from '../trust/evaluator.js';
import { progressMarks, readMarks, type SharedParts, standingMarks } from './marking.js';
import type { Work } from './work.js';

/** How often sources are marked and recoveries made, in ms. */
const markEveryMs = 1_000;
/** How often the outbox is looked at for what other processes left in it, in ms. */
const relayEveryMs = 10;
/** Pairs looked at in one step of the sweep. */
const sweepLimit = 500;

/**
 * Says that this processor works on the state, and writes the first mark: before it reads anything, so that a store
 * that was emptied can be told from one that is new. Answers what the store lost while nobody was there.
 *
 * @throws FulcrumError `mismatch` when the store was emptied, or a log is not the one it was
 */
export async function beginUpkeep(work: Work, parts: SharedParts): Promise<LostTail | null> {
  const { store } = parts;
  await work.must('register', () => store.register(work.rules.timedRecovery));
  const marks = await standingMarks(work, parts);
  return work.must('write the mark', () => store.mark(marks));
}

/**
 * What the processors of a shared store do together, beside their batches: publish what any of them left in the outbox,
 * write how far the sources are read, bring back what the store lost, and make the recoveries of silent pairs up to the
 * time that all of them have read.
 *
 * @param lost what the first mark has found
 */
export async function runUpkeep(
  work: Work,
  parts: SharedParts,
  lost: LostTail | null,
  signal: AbortSignal,
): Promise<void> {
  const recovery = new Recovery(work, parts, signal);
  if (lost !== null) recovery.begin(lost);
  let markAt = work.timers.elapsedMs();
  while (!signal.aborted) {
    await work.publish();
    if (!recovery.isUnderWay && work.timers.elapsedMs() >= markAt) {
      markAt = work.timers.elapsedMs() + markEveryMs;
      const tail = await writeMarks(work, parts);
      if (tail !== null) recovery.begin(tail);
      else if (work.rules.timedRecovery) await sweep(work, parts);
    }
    await work.timers.sleep(relayEveryMs, signal);
  }
  await recovery.settled();
  await work.publish();
  // What is lost now is found by the next who marks.
  await writeMarks(work, parts);
}

async function writeMarks(work: Work, parts: SharedParts): Promise<LostTail | null> {
  const marks = await progressMarks(work, parts);
  return work.must('write the mark', () => parts.store.mark(marks));
}

/** A backlog must not close a pair whose failures are still queued, be it another process's. */
async function sweep(work: Work, parts: SharedParts): Promise<void> {
  const readTo = new Map((await readMarks(work, parts)).map((mark) => [mark.source, mark.readTo]));
  const logs = parts.interactions.flatMap((source) => source.logs());
  const until = Math.min(...logs.map((log) => readTo.get(log) ?? Number.NEGATIVE_INFINITY));
  if (Number.isFinite(until)) await makeRecoveries(work, until);
}

/** Makes the recoveries that are due by `until`, seconds since the epoch. */
export async function makeRecoveries(work: Work, until: number): Promise<void> {
  const { publishes = true } = work.rules;
  for (;;) {
    const request = {
      until,
      limit: sweepLimit,
      policyOf: work.policies().policyOf,
      nowMs: transitionClock(work.clock()),
      publishes,
    };
    const looked = await work.must('make recoveries', () => work.store.due(request));
    if (looked > 0) await work.publish();
    if (looked < sweepLimit) return;
  }
}
