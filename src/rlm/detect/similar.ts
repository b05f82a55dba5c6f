import { errorBit } from '../language/lexicon.js';
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
  const fresh = countNew(now.matter, alike);
  if (fresh > parameters.newShare * now.content.length) return { nears: nears.fill(0), otherMatter: true };
  // A step on from the last of its form, as along a list, repeats none of those before, unless word for word.
  const last = alike.at(-1) as Print;
  if (isAboutAnother(now, last) && alike.every(({ hash }) => hash !== now.hash))
    return { nears: nears.fill(0), otherMatter: isOtherMatter(now, last) };
  const repeated = nears.map((near, i) => (near > 0 && isAboutAnother(now, before[i] as Print) ? 0 : near));
  return {
    nears: repeated,
    otherMatter: repeated.every((near) => near === 0) && alike.every((one) => isOtherMatter(now, one)),
  };
}

/**
 * How near a turn is to one earlier turn that it repeats; 0: it does not. Of two failures the items are let be, unless
 * it is other numbers that failed: each failure brings names of its own, and what was tried tells whether it is the same.
 */
export function repeats(now: Print, before: Print, parameters: Parameters): number {
  if (isSilent(now) && isSilent(before)) return 1;
  const near = likeness(now, before, parameters);
  if (near === 0 || now.hash === before.hash) return near;
  if (countNew(now.matter, [before]) > parameters.newShare * now.content.length) return 0;
  const failures = (now.signs & before.signs & errorBit) !== 0;
  return (
    failures && now.failures === before.failures
      ? isOtherMatter(now, before)
      : isAboutAnother(now, before)
  )
    ? 0
    : near;
}

/** Nothing at all was said, as by a proxy that only passes the turn on. */
function isSilent({ wordCount, measures }: Print): boolean {
  return wordCount + measures === 0;
}

/**
 * The similarity of two turns that are long enough to say, and near enough to count, whatever they are about; else 0.
 */
export function likeness(
  now: Print,
  before: Print,
  { fewestWords, nearPairs, nearContent }: Parameters,
): number {
  if (now.hash === before.hash) return now.wordCount === 0 ? 0 : 1;
  if (now.wordCount < fewestWords || before.wordCount < fewestWords) return 0;
  // What was in no turn of late is not in that one either.
  if (now.knownPairs >= nearPairs) {
    const pairs = jaccard(now.pairs.sorted, before.pairs.sorted, nearPairs);
    if (pairs > 0) return pairs;
  }
  const [mine, theirs] = [now.content.length, before.content.length];
  if (Math.min(mine - now.newWords, theirs) < nearContent * Math.max(mine, theirs)) return 0;
  return jaccard(now.content, before.content, nearContent);
}

/** Jaccard index of two sets, ascending: 1 the same; 0 where it lies below `least`, which is noticed early. */
export function jaccard(left: Int32Array, right: Int32Array, least: number): number {
  const sum = left.length + right.length;
  const needed = (least * sum) / (1 + least);
  // Left over on one side beyond this, and not enough can be common any more.
  const [spareLeft, spareRight] = [left.length - needed, right.length - needed];
  let [i, j, both] = [0, 0, 0];
  while (i < left.length && j < right.length) {
    const [x, y] = [left[i] as number, right[j] as number];
    if (x === y) both += 1;
    if (x <= y) i += 1;
    if (y <= x) j += 1;
    if (i - both > spareLeft || j - both > spareRight) return 0;
  }
  const index = both / (sum - both);
  return index >= least ? index : 0;
}

/** Does the turn say of another item, or of another matter, what the earlier one said? */
function isAboutAnother(now: Print, before: Print): boolean {
  if (now.hash === before.hash) return false;
  return now.items.some((item) => !before.items.includes(item)) || isOtherMatter(now, before);
}

function isOtherMatter(now: Print, before: Print): boolean {
  const fresh = countNew(now.matter, [before]);
  if (fresh === 0 && now.wordCount <= before.wordCount) return leavesOut(now, before);
  const { added, removed, inOnePlace } = difference(now.words, before.words);
  if (removed.length === 0) return inOnePlace && added.length >= fewestAdded;
  return (
    fresh > 0 &&
    (inOnePlace || Math.abs(added.length - removed.length) <= mostUneven) &&
    isMostlyNew(added, now.content, before.content) &&
    isMostlyNew(removed, before.content, now.content)
  );
}

/** Are most content words among these words such that the other turn has nowhere? */
function isMostlyNew(words: readonly number[], content: Int32Array, other: Int32Array): boolean {
  const own = words.filter((word) => content.includes(word));
  return own.length > 0 && own.filter((word) => !other.includes(word)).length >= newOfChanged * own.length;
}

function countNew(words: Int32Array, before: readonly Print[]): number {
  let count = 0;
  for (const word of words) if (!before.some(({ content }) => content.includes(word))) count += 1;
  return count;
}

/**
 * Share of the content words that were put in, and of those that were taken out for them, which the other turn has
 * nowhere: from half of them on it is one form filled in anew. A paraphrase moves known words about, or adds some.
 */
const newOfChanged = 0.5;

/** A form filled in anew has about as many words as before: names differ by a word or two. */
const mostUneven = 2;

/** Words from which an addition is a step forward, as in a recap; "again" and "once more" are fewer. */
const fewestAdded = 4;

/** Words between the common ends that are looked at, so that a long turn costs no more. */
const mostCompared = 96;

/** What one turn has beside the longest common subsequence of words of both. */
interface Difference {
  readonly added: readonly number[];
  readonly removed: readonly number[];
  /** Do the added words stand together, and the removed ones? */
  readonly inOnePlace: boolean;
}

function difference(now: Int32Array, before: Int32Array): Difference {
  const { head, tail } = commonEnds(now, before);
  const a = now.subarray(head, Math.min(now.length - tail, head + mostCompared));
  const b = before.subarray(head, Math.min(before.length - tail, head + mostCompared));
  const width = b.length + 1;
  const longest = new Uint8Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] =
        a[i] === b[j]
          ? (longest[(i + 1) * width + j + 1] as number) + 1
          : Math.max(longest[(i + 1) * width + j] as number, longest[i * width + j + 1] as number);
  const [added, removed, addedAt, removedAt]: [number[], number[], number[], number[]] = [[], [], [], []];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const skipMine = i < a.length ? (longest[(i + 1) * width + j] as number) : -1;
    const skipTheirs = j < b.length ? (longest[i * width + j + 1] as number) : -1;
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i += 1;
      j += 1;
    } else if (skipTheirs >= skipMine) {
      removedAt.push(j);
      removed.push(b[j++] as number);
    } else {
      addedAt.push(i);
      added.push(a[i++] as number);
    }
  }
  return { added, removed, inOnePlace: isOneStretch(addedAt) && isOneStretch(removedAt) };
}

function isOneStretch(places: readonly number[]): boolean {
  return places.length === 0 || (places.at(-1) as number) - (places[0] as number) === places.length - 1;
}

/** How many words both begin with and, of the others, end with. */
function commonEnds(now: Int32Array, before: Int32Array): { head: number; tail: number } {
  const most = Math.min(now.length, before.length);
  let head = 0;
  while (head < most && now[head] === before[head]) head += 1;
  let tail = 0;
  while (tail < most - head && now[now.length - 1 - tail] === before[before.length - 1 - tail]) tail += 1;
  return { head, tail };
}

/** Something less than before and nothing else: the rest of a list that is worked through. */
function leavesOut(now: Print, before: Print): boolean {
  return now.content.length < before.content.length || now.items.length < before.items.length;
}
