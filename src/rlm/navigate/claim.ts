import type { Mark } from '../detect/marks.js';
import { defaultParameters, type Parameters } from '../detect/parameters.js';
import { Scanner } from '../detect/scan.js';
import type { Draft } from '../program/draft.js';
import type { LoopVerdict } from '../result.js';
import type { TurnBook } from './turn-book.js';

/** A claim after the host has looked at what it rests on. */
export type Finding =
  | {
      readonly kind: 'loop';
      readonly verdict: LoopVerdict;
      readonly confidence: number;
      readonly reason: string;
      readonly marks: readonly Mark[];
      /** Do the rules find a loop in these turns, looked at by themselves? */
      readonly supported: boolean;
    }
  | { readonly kind: 'none'; readonly confidence: number; readonly reason: string }
  /** The model came to nothing, or to what does not hold: why, without a full stop. */
  | { readonly kind: 'failed'; readonly reason: string };

/**
 * Holds what a program said in the end against the transcript: the turns it names are there, lie in partitions that this run looked into, are
 * as many as the rules need in a short transcript, and are by whom the verdict says.
 *
 * @param seen partitions that the model was shown something of
 */
export function checkClaim(
  { verdict, confidence, evidence, summary: reason }: Draft,
  book: TurnBook,
  seen: (partition: number) => boolean,
  parameters: Parameters = defaultParameters,
): Finding {
  if (verdict === 'inconclusive') return failed('it could not tell');
  if (verdict === 'none') return { kind: 'none', confidence, reason };
  const numbers = [...new Set(evidence.flatMap(({ turns }) => turns))].sort((a, b) => a - b);
  const marks: Mark[] = [];
  for (const turn of numbers) {
    const mark = book.mark(turn);
    if (mark === undefined) return failed(`it names turn ${turn} of ${book.count}, which is not there`);
    if (!seen(mark.partition)) return failed(`it names turn ${turn}, which it has not looked at`);
    marks.push(mark);
  }
  const why = tooLittle(verdict, marks, parameters);
  if (why !== null) return failed(`it says ${verdict} ${why}`);
  return {
    kind: 'loop',
    verdict,
    confidence,
    reason,
    marks,
    supported: rulesFind(numbers, book, parameters),
  };
}

function failed(reason: string): Finding {
  return { kind: 'failed', reason };
}

/** Turns that a verdict rests on at least: what its rule needs in a short transcript. */
function fewestTurns(
  verdict: LoopVerdict,
  { fewestRepeats, fewestPeriods, fewestThemed, fewestStalled }: Parameters,
): number {
  switch (verdict) {
    case 'repetition':
    case 'error_retry':
      return fewestRepeats;
    case 'ping_pong':
    case 'cycle':
      return 2 * fewestPeriods;
    case 'gratitude':
    case 'agreement':
      return fewestThemed;
    case 'stall':
      return fewestStalled;
  }
}

function tooLittle(verdict: LoopVerdict, marks: readonly Mark[], parameters: Parameters): string | null {
  const fewest = fewestTurns(verdict, parameters);
  if (marks.length < fewest) return `of ${marks.length} turns, and it takes ${fewest}`;
  const bySpeaker = new Map<string, number>();
  for (const { speaker } of marks) bySpeaker.set(speaker, (bySpeaker.get(speaker) ?? 0) + 1);
  if (verdict === 'ping_pong' && bySpeaker.size < 2) return 'of turns that are all by one speaker';
  if (verdict === 'repetition' && Math.max(...bySpeaker.values()) < fewest)
    return `of turns of which no speaker has ${fewest}`;
  return null;
}

/** Longest stretch that is looked at whole; of a longer one the named turns alone. */
const longestStretch = 200;

function rulesFind(turns: readonly number[], book: TurnBook, parameters: Parameters): boolean {
  const [first = 0] = turns;
  const last = turns.at(-1) ?? first;
  const whole = last - first < longestStretch;
  const looked = whole ? Array.from({ length: last - first + 1 }, (_, i) => first + i) : turns;
  const scanner = new Scanner(parameters);
  for (const turn of looked) {
    const said = book.at(turn);
    if (said !== undefined) scanner.see(said, 0);
  }
  return scanner.end().loops.length > 0;
}
