import { counted } from '../counted.js';
import { handleOf } from './context.js';
import { type Candidate, type Rule, rules } from './detect/candidate.js';
import type { Mark } from './detect/marks.js';
import type { Scan } from './detect/scan.js';
import { type Evidence, mostEvidence, mostEvidenceTurns, mostExcerptLength, type Verdict } from './result.js';

/** New turns after a loop from which it counts as over, however short it was. */
const recoveryTurns = 8;

/** Confidence of `none` where nothing came near a loop: the rules miss some that use other words each time. */
const surestNone = 0.9;

/** What the detectors' findings come to. */
export interface Conclusion {
  readonly verdict: Verdict;
  readonly confidence: number;
  readonly summary: string;
  readonly evidence: Evidence[];
  readonly would_close: boolean;
}

/** One verdict of everything that a pass over a transcript found. */
export function conclude(scan: Scan, session: string): Conclusion {
  const strongest = scan.loops[0];
  if (strongest === undefined) return scan.words === 0 ? nothingToRead() : noLoop(scan);
  const loop = named(strongest, scan.loops);
  const evidence = evidenceOf(loop.marks, session);
  return {
    verdict: loop.verdict,
    confidence: confidenceOf(loop, scan.more),
    summary: `${sentence(loop)} ${grounds(loop, scan, evidence[0]?.handle ?? '')}`,
    evidence,
    would_close: isOver(scan),
  };
}

function nothingToRead(): Conclusion {
  return inconclusive('The transcript has no words. There is nothing to tell a loop by.');
}

/** An analysis that came to nothing. @param cause in two sentences */
export function inconclusive(cause: string): Conclusion {
  return { verdict: 'inconclusive', confidence: 0, summary: cause, evidence: [], would_close: false };
}

function noLoop({ turns, nearest }: Scan): Conclusion {
  const confidence = round(surestNone - nearest * (surestNone - 0.5));
  return {
    verdict: 'none',
    confidence,
    summary:
      `No loop was found in ${counted(turns, 'turn')}. ` +
      (nearest === 0
        ? 'Nothing was said again in a way that comes near one.'
        : `The most repetitive stretch reached ${Math.round(nearest * 100)} % of what a loop needs.`),
    evidence: [],
    would_close: true,
  };
}

/** The strongest says where the loop is; of all that found it there, the most telling rule says what it is. */
function named(strongest: Candidate, all: readonly Candidate[]): Candidate {
  const there = all.filter((one) => overlap(one, strongest) >= 0.5 && one.turns * 3 >= strongest.turns);
  const rank = (rule: Rule): number => rules.indexOf(rule);
  return there.reduce((best, one) => (rank(one.rule) < rank(best.rule) ? one : best), strongest);
}

/** Share of the shorter one that both cover. */
function overlap(one: Candidate, other: Candidate): number {
  const from = Math.max(one.firstTurn, other.firstTurn);
  const to = Math.min(one.lastTurn, other.lastTurn);
  const shorter = Math.min(one.lastTurn - one.firstTurn, other.lastTurn - other.firstTurn) + 1;
  return Math.max(0, to - from + 1) / shorter;
}

/** Above 0.5: 0.75 at the least count, 0.875 at three times of it; the less, the less its turns are alike. */
function confidenceOf({ count, fewest, near }: Candidate, more: number): number {
  const needed = fewest + more;
  return round(0.5 + (near / 2) * (count / (count + needed)));
}

/** Has the talk gone on to other things after every loop, for as long as the loop took? */
function isOver({ loops, turns }: Scan): boolean {
  return loops.every(({ firstTurn, lastTurn }) => wentOn([firstTurn, lastTurn], turns));
}

/** Did the talk go on after a loop for as long as it took, and a few turns at least? */
export function wentOn([first, last]: readonly [number, number], turns: number): boolean {
  return turns - 1 - last >= Math.max(recoveryTurns, last - first + 1);
}

/** The marks of each partition together, the partition with the most of them first. */
export function evidenceOf(marks: readonly Mark[], session: string): Evidence[] {
  const byPartition = new Map<number, Mark[]>();
  for (const mark of marks) {
    const together = byPartition.get(mark.partition);
    if (together === undefined) byPartition.set(mark.partition, [mark]);
    else together.push(mark);
  }
  return [...byPartition]
    .sort(([, a], [, b]) => b.length - a.length)
    .slice(0, mostEvidence)
    .map(([partition, there]) => ({
      handle: handleOf(session, partition),
      turns: there.slice(0, mostEvidenceTurns).map(({ turn }) => turn),
      event_ids: there
        .slice(0, mostEvidenceTurns)
        .flatMap(({ eventId }) => (eventId === undefined ? [] : [eventId])),
      excerpt: excerptOf(there),
    }));
}

/** The first turns in a few words each, as `speaker: text`. */
function excerptOf(marks: readonly Mark[]): string {
  const lines = marks
    .slice(0, 3)
    .map(({ speaker, excerpt }) => `${speaker}: ${excerpt.replace(/\s+/g, ' ').trim()}`);
  return wellFormed(lines.join('\n').slice(0, mostExcerptLength));
}

/** Without half of a character that a cut left. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed();
}

const sentences: Record<Verdict, (loop: Candidate) => string> = {
  repetition: ({ turns, near }) =>
    `The same was said again in ${turns} turns${near === 1 ? ', word for word' : ', in nearly the same words'}.`,
  ping_pong: ({ turns }) =>
    `The same matter went back and forth for ${turns} turns without anybody taking it.`,
  cycle: ({ count, period }) => `The same ${period ?? 'few'} turns came round ${count} times.`,
  gratitude: ({ turns }) => `The agents thanked each other or took leave in ${turns} turns.`,
  agreement: ({ turns }) => `The agents agreed with each other in ${turns} turns and added nothing.`,
  error_retry: ({ turns }) => `The same thing was tried and failed, ${turns} turns in all.`,
  stall: ({ turns }) => `For ${turns} turns nothing new was said.`,
  none: () => '',
  inconclusive: () => '',
};

function sentence(loop: Candidate): string {
  return sentences[loop.verdict](loop);
}

function grounds({ firstTurn, lastTurn }: Candidate, { turns }: Scan, handle: string): string {
  return `It runs from turn ${firstTurn} to turn ${lastTurn} of ${turns}, most of it in ${handle}.`;
}

/** To a thousandth. */
export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
