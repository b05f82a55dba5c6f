import { hashStart, hashStep, hashWord } from './hash.js';
import type { Lexicon, WordEntry } from './lexicon.js';

/** What kind of thing a word is. */
export const plain = 0;
/** Names one thing among others: it has a digit, or joins parts as in a path, an address or an identifier. */
export const item = 1;
/** An item that is a number alone. */
export const number = 2;
/** A count of repeats, a time of day, a span of time, a share: it differs and yet says nothing new, and is left out. */
const measure = 3;

/** The words of one text but its measures; the arrays are used again for the next, and grow with the longest. */
export interface Words {
  count: number;
  /** Measures that were left out. */
  measures: number;
  /** Of each word in lower case. */
  hashes: Int32Array;
  /** `plain`, `item` or `number` of each. */
  kinds: Uint8Array;
  entries: (WordEntry | undefined)[];
  /** Was there a share, a number with %? */
  percent: boolean;
}

export function emptyWords(): Words {
  const size = 1_024;
  return {
    count: 0,
    measures: 0,
    hashes: new Int32Array(size),
    kinds: new Uint8Array(size),
    entries: [],
    percent: false,
  };
}

const apostrophe = 0x27;
const curlyApostrophe = 0x2019;
const percentSign = 0x25;
const colon = 0x3a;

/** Letters and digits; all beyond ASCII but spaces and punctuation counts as a letter. */
function isWordCode(code: number): boolean {
  if (code < 128)
    return (
      (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95
    );
  return (
    code > 0xbf &&
    !(code >= 0x2000 && code <= 0x206f) &&
    !(code >= 0x3000 && code <= 0x303f) &&
    code !== 0xfeff
  );
}

/** Between two parts of one word: . / - : @ */
function isJoiner(code: number): boolean {
  return code === 46 || code === 47 || code === 45 || code === colon || code === 64;
}

/** Reads the words of a text in one pass over its characters. */
export function readWords(text: string, lexicon: Lexicon, into: Words): void {
  into.count = 0;
  into.measures = 0;
  into.percent = false;
  const length = text.length;
  let at = 0;
  while (at < length) {
    if (!isWordCode(text.charCodeAt(at))) {
      at += 1;
      continue;
    }
    at = readWord(text, at, lexicon, into);
  }
}

/** Reads the word that begins at `start` and returns where it ends. */
function readWord(text: string, start: number, lexicon: Lexicon, into: Words): number {
  const length = text.length;
  let hash = hashStart;
  let digits = 0;
  let letters = 0;
  let joined = false;
  let colons = 0;
  let at = start;
  for (; at < length; at++) {
    let code = text.charCodeAt(at);
    if (code >= 65 && code <= 90) code += 32;
    if (isWordCode(code)) {
      if (code >= 48 && code <= 57) digits += 1;
      else if (code === 95) joined = true;
      else letters += 1;
    } else if (code === apostrophe || code === curlyApostrophe) {
      if (at + 1 < length && isWordCode(text.charCodeAt(at + 1))) continue;
      break;
    } else if (isJoiner(code) && at + 1 < length && isWordCode(text.charCodeAt(at + 1))) {
      // A hyphen joins plain words too.
      if (code !== 45) joined = true;
      if (code === colon) colons += 1;
    } else break;
    hash = hashStep(hash, code);
  }
  const percent = digits > 0 && letters === 0 && text.charCodeAt(at) === percentSign;
  const clock = colons > 0 && digits >= 3 && letters <= 2;
  const span = digits > 0 && letters > 0 && !joined && isSpan(text, at, digits, letters);
  if (percent) into.percent = true;
  const alone = letters === 0 && digits > 0 && digits <= 4 && isEnclosed(text, start, at);
  const callId =
    joined && digits > 1 && at - start >= shortestCallId && wholeCallId.test(text.slice(start, at));
  const kind =
    percent || clock || span || alone || callId
      ? measure
      : digits === 0
        ? joined
          ? item
          : plain
        : letters > 0
          ? item
          : number;
  push(into, hash | 0, kind, kind === plain ? entryOf(text, at, hash | 0, lexicon) : undefined);
  return at;
}

/** What is known of the word that ends at `end`; of `ValidationError`, what is known of its last part. */
function entryOf(text: string, end: number, hash: number, lexicon: Lexicon): WordEntry | undefined {
  const known = lexicon.get(hash);
  if (known !== undefined) return known;
  for (const { part, partHash } of lastParts) if (endsWith(text, end, part)) return lexicon.get(partHash);
  return undefined;
}

const lastParts = ['error', 'exception'].map((part) => ({ part, partHash: hashWord(part) }));

/** Does a word end like this, in either case? The last letter tells of nearly all. */
function endsWith(text: string, end: number, part: string): boolean {
  for (let i = 1; i <= part.length; i++)
    if ((text.charCodeAt(end - i) | 0x20) !== part.charCodeAt(part.length - i)) return false;
  return true;
}

const shortestCallId = 10;

/** What protocols of models and services call one request or call: never the same, and of nothing. */
const callIdPattern = '(?:call|req|toolu|chatcmpl|msg|trace|span|resp)_(?=(?:[a-z]*\\d){2})[a-z\\d]{6,}';
export const callIds = new RegExp(callIdPattern, 'gi');
const wholeCallId = new RegExp(`^${callIdPattern}$`, 'i');

/** Does a bracket stand on either side, as in (3) or [12]? It counts turns then, and names nothing. */
function isEnclosed(text: string, start: number, end: number): boolean {
  const [before, after] = [text.charCodeAt(start - 1), text.charCodeAt(end)];
  return (before === 0x28 && after === 0x29) || (before === 0x5b && after === 0x5d);
}

/** Is the word that ends at `end` a number with a unit of time, as 30s or 250ms? */
function isSpan(text: string, end: number, digits: number, letters: number): boolean {
  if (letters > 3) return false;
  const code = text.charCodeAt(end - letters - 1);
  if (code < 48 || code > 57 || digits > 6) return false;
  const unit = text.slice(end - letters, end).toLowerCase();
  return unit === 's' || unit === 'ms' || unit === 'm' || unit === 'h' || unit === 'min' || unit === 'sec';
}

function push(into: Words, hash: number, kind: number, entry: WordEntry | undefined): void {
  const { count } = into;
  // With the word that says what it counts: `attempt 3`, `30 seconds`.
  const counts = kind === number && count > 0 && into.entries[count - 1]?.counter === true;
  const spans = entry?.durationUnit === true && count > 0 && into.kinds[count - 1] === number;
  if (counts || spans) into.count = count - 1;
  if (counts || spans || kind === measure) {
    into.measures += 1;
    return;
  }
  if (count === into.hashes.length) grow(into);
  into.hashes[count] = hash;
  into.kinds[count] = kind;
  into.entries[count] = entry;
  into.count = count + 1;
}

function grow(into: Words): void {
  const hashes = new Int32Array(into.hashes.length * 2);
  hashes.set(into.hashes);
  const kinds = new Uint8Array(into.kinds.length * 2);
  kinds.set(into.kinds);
  into.hashes = hashes;
  into.kinds = kinds;
}
