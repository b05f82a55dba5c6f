import { doneBit, errorBit, waitingBit } from '../language/lexicon.js';
import type { Candidate } from './candidate.js';
import type { Parameters } from './parameters.js';
import type { Print } from './print.js';

/** Turns after a wait in which what was waited for may come. */
export const turnsToConclude = 4;

/** Turns of which is known whether somebody waited; a wait that began longer ago is judged by these. */
const remembered = 4_096;
const waited = 1;
const advanced = 2;
const concluded = 4;
const failed = 8;

/** Share of the turns of a poll that say that something is under way: every other one, less a few. */
const waitingShare = 0.4;
/** Share of the turns that fail, from which one tries again rather than waits. */
const failingShare = 0.25;
/** Share of those turns that tell how far it is. */
const advancingShare = 0.5;

/** Tells polling, which waits for something that takes its time, from a loop. */
export class Waits {
  readonly #turns = new Uint8Array(remembered);

  constructor(readonly parameters: Parameters) {}

  see(print: Print): void {
    const waiting = (print.signs & waitingBit) !== 0;
    const bits =
      (waiting ? waited : 0) |
      (print.percent || print.newItems > 0 ? advanced : 0) |
      ((print.signs & doneBit) !== 0 && !waiting ? concluded : 0) |
      ((print.signs & errorBit) !== 0 ? failed : 0);
    this.#turns[print.turn % remembered] = bits;
  }

  /**
   * Is it no loop, because its turns wait for what advances, or for what came right after? A poll that neither
   * advances nor ends is excused for `mostIdleWaits` turns.
   * @param now the turn that was seen last, `turnsToConclude` after the candidate unless the transcript ended
   */
  excuse(candidate: Candidate, now: number): boolean {
    const { theme, lastTurn } = candidate;
    // Thanks, agreement, handing on and failures are not what one says while one waits.
    if (theme !== null && theme !== 'stalling') return false;
    const firstTurn = Math.max(candidate.firstTurn, now - remembered + 1);
    let waits = 0;
    let advances = 0;
    let failures = 0;
    for (let turn = firstTurn; turn <= lastTurn; turn++) {
      const bits = this.#turns[turn % remembered] as number;
      if ((bits & failed) !== 0) failures += 1;
      if ((bits & waited) === 0) continue;
      waits += 1;
      if ((bits & advanced) !== 0) advances += 1;
    }
    const turns = lastTurn - firstTurn + 1;
    if (turns < 1 || waits < waitingShare * turns || failures > failingShare * turns) return false;
    if (advances >= advancingShare * waits || waits <= this.parameters.mostIdleWaits) return true;
    for (let turn = lastTurn; turn <= Math.min(now, lastTurn + turnsToConclude); turn++)
      if (((this.#turns[turn % remembered] as number) & concluded) !== 0) return true;
    return false;
  }
}
