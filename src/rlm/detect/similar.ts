import { fewestWords, nearSame, newShare } from './parameters.js';
import type { Print } from './print.js';

/** Jaccard index of the pairs of words of two turns: 1 the same, 0 nothing in common; estimated where there are many. */
export function similarity(a: Print, b: Print): number {
  if (a.hash === b.hash) return 1;
  const [left, right] = [a.pairs.sorted, b.pairs.sorted];
  if (left.length === 0 || right.length === 0) return 0;
  const size = Math.max(left.length, right.length);
  const sampled = size >= 256;
  let [i, j, both, all] = [0, 0, 0, 0];
  while (i < left.length && j < right.length && !(sampled && all === size)) {
    const [x, y] = [left[i] as number, right[j] as number];
    if (x === y) both += 1;
    if (x <= y) i += 1;
    if (y <= x) j += 1;
    all += 1;
  }
  if (!sampled) all += left.length - i + (right.length - j);
  return both / all;
}

/**
 * How near a turn is to an earlier one, 0 when it does not repeat it: it is too short to say, says other words, or
 * says the same of another item.
 */
export function repeats(now: Print, before: Print): number {
  const near = likeness(now, before);
  return near === 1 || (near > 0 && !aboutAnother(now, [before])) ? near : 0;
}

/** The similarity of two turns that are long enough to say, and near enough to count; else 0. */
export function likeness(now: Print, before: Print): number {
  if (now.wordCount === 0) return 0;
  if (now.hash === before.hash) return 1;
  if (now.wordCount < fewestWords || before.wordCount < fewestWords || now.knownPairs < nearSame) return 0;
  const near = similarity(now, before);
  return near >= nearSame ? near : 0;
}

/** Does the turn say of another item, or of another matter, what the earlier ones said? The last of them is the nearest. */
export function aboutAnother(now: Print, before: readonly Print[]): boolean {
  if (now.items.some((item) => !before.some(({ items }) => items.includes(item)))) return true;
  let fresh = 0;
  for (const word of now.content) if (!before.some(({ content }) => content.includes(word))) fresh += 1;
  if (fresh === 0) return false;
  if (fresh > newShare * now.content.length) return true;
  return before.some((one) => otherInOnePlace(now, one, fresh));
}

/**
 * One form filled in anew: between the words that both begin with and those that both end with, half or more of
 * what now stands there is new. A paraphrase moves known words about instead.
 */
function otherInOnePlace(now: Print, before: Print, fresh: number): boolean {
  const [a, b] = [now.words, before.words];
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const changed = a.length - head - tail;
  return head + tail > changed && fresh * 2 >= changed;
}
