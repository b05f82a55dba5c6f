import type { Parameters } from './parameters.js';
import type { Print } from './print.js';

/** How a turn stands to earlier ones. */
export interface Repeat {
  /** How near it is to each that it repeats; 0 for the others. */
  readonly nears: readonly number[];
  /** It repeats none, and says of another matter in their form what some of them said. */
  readonly otherMatter: boolean;
}

export function repeatOf(now: Print, before: readonly Print[], parameters: Parameters): Repeat {
  const nears = before.map((one) => likeness(now, one, parameters));
  const alike = before.filter((_, i) => (nears[i] as number) > 0);
  if (alike.length === 0) return { nears, otherMatter: false };
  const fresh = countNew(now.content, alike);
  if (fresh > parameters.newShare * now.content.length) return { nears: nears.fill(0), otherMatter: true };
  const repeated = nears.map((near, i) => (near > 0 && isAboutAnother(now, before[i] as Print) ? 0 : near));
  return {
    nears: repeated,
    otherMatter: repeated.every((near) => near === 0) && alike.every((one) => isOtherMatter(now, one)),
  };
}

/** The same of one earlier turn. */
export function repeats(now: Print, before: Print, parameters: Parameters): number {
  const near = likeness(now, before, parameters);
  return near === 0 ? 0 : (repeatOf(now, [before], parameters).nears[0] ?? 0);
}

/** The similarity of two turns that are long enough to say, and near enough to count; else 0. */
function likeness(now: Print, before: Print, { fewestWords, nearPairs, nearContent }: Parameters): number {
  if (now.hash === before.hash) return now.wordCount === 0 ? 0 : 1;
  if (now.wordCount < fewestWords || before.wordCount < fewestWords) return 0;
  // What was in no turn of late is not in that one either.
  if (now.knownPairs >= nearPairs) {
    const pairs = jaccard(now.pairs.sorted, before.pairs.sorted);
    if (pairs >= nearPairs) return pairs;
  }
  const [mine, theirs] = [now.content.length, before.content.length];
  if (Math.min(mine - now.newWords, theirs) < nearContent * Math.max(mine, theirs)) return 0;
  const content = jaccard(now.content, before.content);
  return content >= nearContent ? content : 0;
}

/** Jaccard index of two sets, ascending: 1 the same, 0 nothing in common. */
export function jaccard(left: Uint32Array, right: Uint32Array): number {
  if (left.length === 0 || right.length === 0) return 0;
  let [i, j, both] = [0, 0, 0];
  while (i < left.length && j < right.length) {
    const [x, y] = [left[i] as number, right[j] as number];
    if (x === y) both += 1;
    if (x <= y) i += 1;
    if (y <= x) j += 1;
  }
  return both / (left.length + right.length - both);
}

/** Does the turn say of another item, or of another matter, what the earlier one said? */
function isAboutAnother(now: Print, before: Print): boolean {
  if (now.hash === before.hash) return false;
  return now.items.some((item) => !before.items.includes(item)) || isOtherMatter(now, before);
}

function isOtherMatter(now: Print, before: Print): boolean {
  const fresh = countNew(now.content, [before]);
  return fresh === 0 && now.wordCount <= before.wordCount
    ? leavesOut(now, before)
    : isFilledInAnew(now, before, fresh);
}

function countNew(words: Uint32Array, before: readonly Print[]): number {
  let count = 0;
  for (const word of words) if (!before.some(({ content }) => content.includes(word))) count += 1;
  return count;
}

/**
 * One form filled in anew, or what was said with something added, as in a recap. Between the words that both begin
 * with and those that both end with, half or more of what now stands there is new, or nothing stood there before.
 * A paraphrase moves known words about instead.
 */
function isFilledInAnew(now: Print, before: Print, fresh: number): boolean {
  const [a, b] = [now.words, before.words];
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const changed = now.wordCount - head - tail;
  if (head + tail >= most && changed >= fewestAdded) return true;
  return head + tail > changed && fresh > 0 && fresh * 2 >= changed;
}

/** Words from which an addition is one: fewer are "again" and "once more". */
const fewestAdded = 4;

/** Something less than before and nothing else: the rest of a list that is worked through. */
function leavesOut(now: Print, before: Print): boolean {
  return now.content.length < before.content.length || now.items.length < before.items.length;
}
