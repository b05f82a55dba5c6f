import { setImmediate } from 'node:timers/promises';
import { FulcrumError } from '../../errors.js';
import type { Context } from '../context.js';

export const mostPatternLength = 200;
export const mostAlternatives = 16;
export const mostHits = 50;
export const mostHitLength = 240;

/** A place in a transcript where a pattern was found. */
export interface Hit {
  readonly handle: string;
  /** Counted from 0. */
  readonly turn: number;
  /** The line round it, cut. */
  readonly line: string;
}

export interface Hits {
  /** Of lines that match, those beyond the first `mostHits` too. */
  readonly count: number;
  readonly hits: readonly Hit[];
}

/**
 * What a program may look for: texts apart by `|`, whatever their case; white space in one stands for any. Nothing else
 * means anything, so what is made of it takes time in proportion to what is read, whoever wrote it.
 * @throws FulcrumError `input` with the rule
 */
export function searchFor(pattern: string): RegExp {
  const texts = pattern
    .split('|')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  if (texts.length === 0 || texts.length > mostAlternatives)
    throw new FulcrumError('input', `grep: pattern must be 1 to ${mostAlternatives} texts apart by |`);
  const literal = (text: string): string => text.split(/\s+/).map(escaped).join('[^\\S\\n]+');
  return new RegExp(texts.map(literal).join('|'), 'giu');
}

/** For a pattern with the flag u, in which only these may be escaped. */
function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Characters after which others get their turn: some ms. */
const stretch = 1_000_000;

/**
 * Looks through a whole transcript, and lets others run meanwhile.
 * @param goOn called between stretches; what it throws ends the search
 */
export async function grep(context: Context, pattern: string, goOn: () => void): Promise<Hits> {
  const search = searchFor(pattern);
  const hits: Hit[] = [];
  let count = 0;
  let read = 0;
  for (const partition of context.partitions) {
    const { text, handle } = partition;
    for (let match = search.exec(text); match !== null; match = search.exec(text)) {
      count += 1;
      const from = text.lastIndexOf('\n', match.index - 1) + 1;
      const to = endOfLine(text, match.index);
      if (hits.length < mostHits)
        hits.push({
          handle,
          turn: context.turnAt(partition, match.index),
          line: cut(text.slice(from, to), match.index - from),
        });
      search.lastIndex = to;
    }
    read += text.length;
    if (read < stretch) continue;
    read = 0;
    await setImmediate();
    goOn();
  }
  return { count, hits };
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

/** So much of a line that the match is in it. */
function cut(line: string, matchAt: number): string {
  const from = line.length <= mostHitLength ? 0 : Math.max(0, matchAt - mostHitLength / 2);
  return line.slice(from, from + mostHitLength).toWellFormed();
}
