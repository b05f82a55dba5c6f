import { type AnalyzeOptions, scannerOf } from '../analyze.js';
import { type Conclusion, conclude } from '../combine.js';
import { Context } from '../context.js';
import type { Scan } from '../detect/scan.js';
import type { Transcript, Turn } from '../transcript.js';
import { dataLine, indented } from './data.js';
import { TurnBook } from './turn-book.js';

/** A transcript that was read whole, once, and what the rules say of it. */
export interface Read {
  readonly context: Context;
  readonly book: TurnBook;
  readonly scan: Scan;
  readonly rules: Conclusion;
}

/** @throws ContextExhausted */
export async function readWhole({ session, turns }: Transcript, options: AnalyzeOptions): Promise<Read> {
  const { parameters, ...limits } = options;
  const said: Turn[] = [];
  const context = await Context.of(session, numbered(turns, said), limits);
  const book = new TurnBook();
  const scanner = scannerOf(parameters);
  context.partitions.forEach(({ lastTurn }, partition) => {
    // A turn that was cut is in the book already: it belongs where it begins.
    for (const turn of said.slice(book.count, lastTurn + 1)) {
      scanner.see(turn, partition);
      book.add(turn, partition);
    }
  });
  const scan = scanner.end();
  return { context, book, scan, rules: conclude(scan, session) };
}

/**
 * The turns as a program gets to see them: `12 coder: text`. Their numbers are what a verdict names, and only the first
 * line of a turn can look like one.
 */
async function* numbered(turns: Transcript['turns'], said: Turn[]): AsyncGenerator<Turn> {
  for await (const turn of turns) {
    yield { speaker: `${said.length} ${dataLine(turn.speaker)}`, text: indented(turn.text) };
    said.push(turn);
  }
}
