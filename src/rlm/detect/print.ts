import { hashPair } from '../language/hash.js';
import { themes } from '../language/language.js';
import {
  errorBit,
  type Lexicon,
  lookingBit,
  promptingBit,
  themeBit,
  type WordEntry,
} from '../language/lexicon.js';
import { emptyWords, number, plain, readWords, type Words } from '../language/words.js';
import type { Turn } from '../transcript.js';
import { isCall, isHandOver, structuredBlock } from './block.js';
import { excerptLength } from './marks.js';
import type { Parameters } from './parameters.js';
import { fresh, inThisTurn, known, Recent } from './recent.js';

/** A turn as the detectors see it: what it says in hashes, and how much of that was said of late. Bounded in size. */
export interface Print {
  /** Counted from 0. */
  readonly turn: number;
  readonly speaker: string;
  readonly eventId: string | undefined;
  /** In which the turn begins. */
  readonly partition: number;
  readonly excerpt: string;
  readonly wordCount: number;
  /** Measures beside them, which are left out of all that follows. */
  readonly measures: number;
  /** Of all its words in order. */
  readonly hash: number;
  /** The first `mostWords` in order; what follows is of these. */
  readonly words: Int32Array;
  /** Content words, each once and ascending. */
  readonly content: Int32Array;
  /** Those that belong to none of the themes of which the turn has a trigger: what it is about. */
  readonly matter: Int32Array;
  /** Items, each once. */
  readonly items: Int32Array;
  /** Pairs of words that stand together. */
  readonly pairs: WordPairs;
  /** Share of those pairs that were in the last turns. */
  readonly knownPairs: number;
  /** Content words that were not in the last turns. */
  readonly newWords: number;
  readonly newItems: number;
  /** Bits of the themes of which the turn has a trigger, and of waiting and done. */
  readonly signs: number;
  /** Of the numbers beside a word of failure, as in `7 failed`: fewer of them is a step forward. 0: there are none. */
  readonly failures: number;
  /** Bits of the themes beside which the turn says next to nothing new. */
  readonly themed: number;
  /** Bits of the themes beside which it says one new word at most. */
  readonly nearlyThemed: number;
  /** A share in per cent was named: something advances. */
  readonly percent: boolean;
  /** Of the call or result that the turn carries as JSON; 0: none. */
  readonly block: number;
  /** It is a question, and brings a word or two: "And the choice?", "Anything to show?" */
  readonly asksBriefly: boolean;
  /** What it asks for, where what is answered is what counts: a call or command, a prompt to go on, a look. */
  readonly asks: 'a result' | 'more' | 'how it stands' | null;
}

/** Words of a turn that are looked at. A page of thousands that a tool gave holds every word, and says none of them. */
const mostWords = 256;
const mostItems = 64;
/** 65,536 places: 48 turns of 100 words fill a tenth of them, and it stays in the processor's cache. */
const recentBits = 16;

/** The pairs of words of a turn, sorted only when somebody compares them. */
export class WordPairs {
  #sorted: Int32Array | null = null;

  constructor(private pairs: Int32Array) {}

  /** Each once and ascending. */
  get sorted(): Int32Array {
    if (this.#sorted === null) {
      const all = this.pairs.sort();
      let count = 0;
      for (let i = 0; i < all.length; i++)
        if (i === 0 || all[i] !== all[i - 1]) all[count++] = all[i] as number;
      this.#sorted = all.slice(0, count);
      this.pairs = this.#sorted;
    }
    return this.#sorted;
  }
}

/** Makes prints of turns as they come. */
export class Printer {
  readonly #words: Words = emptyWords();
  readonly #recentWords: Recent;
  readonly #recentPairs: Recent;
  readonly #content = new Int32Array(mostWords);
  readonly #vocabularies = new Int32Array(mostWords);
  readonly #fresh = new Uint8Array(mostWords);
  readonly #items = new Int32Array(mostItems);

  constructor(
    readonly lexicon: Lexicon,
    readonly parameters: Parameters,
  ) {
    this.#recentWords = new Recent(parameters.recentTurns, recentBits);
    this.#recentPairs = new Recent(parameters.recentTurns, recentBits);
  }

  print({ speaker, text, eventId }: Turn, turn: number, partition: number): Print {
    const words = this.#words;
    readWords(text, this.lexicon, words);
    const { count, hashes, kinds, entries } = words;
    const recentWords = this.#recentWords;
    const recentPairs = this.#recentPairs;
    const read = Math.min(count, mostWords);
    const pairs = new Int32Array(Math.max(0, read - 1));
    let hash = count;
    let knownPairs = 0;
    let content = 0;
    let items = 0;
    let newWords = 0;
    let newItems = 0;
    let failures = 0;
    let signs = isHandOver(text) ? themeBit('delegation') : 0;
    for (let i = 0; i < count; i++) hash = hashPair(hash, hashes[i] as number);
    for (let i = 0; i < read; i++) {
      const word = hashes[i] as number;
      if (i > 0) {
        const pair = hashPair(hashes[i - 1] as number, word);
        pairs[i - 1] = pair;
        if (recentPairs.note(pair, turn) !== fresh) knownPairs += 1;
      }
      const entry = entries[i];
      if (entry !== undefined) {
        signs |= entry.signs | phraseSigns(entry, hashes, i, read);
        if ((entry.signs & errorBit) !== 0) failures = numbersBeside(words, i, failures);
      }
      const kind = kinds[i] as number;
      if (entry?.stop === true) continue;
      const when = recentWords.note(word, turn);
      if (when === inThisTurn) continue;
      if (kind !== plain) {
        if (items < mostItems) this.#items[items++] = word;
        if (when === fresh) newItems += 1;
        continue;
      }
      if (when === fresh) newWords += 1;
      this.#content[content] = word;
      this.#vocabularies[content] = entry?.vocabulary ?? 0;
      this.#fresh[content++] = when === known ? 0 : 1;
    }
    const knownShare = pairs.length === 0 ? 0 : knownPairs / pairs.length;
    const beside = this.#beside(signs, content, newItems, knownShare);
    return {
      turn,
      speaker,
      eventId,
      partition,
      excerpt: text.slice(0, excerptLength),
      wordCount: count,
      measures: words.measures,
      hash: hash | 0,
      words: hashes.slice(0, read),
      content: this.#content.slice(0, content).sort(),
      matter: this.#matter(signs, content),
      items: this.#items.slice(0, items),
      pairs: new WordPairs(pairs),
      knownPairs: knownShare,
      newWords,
      newItems,
      signs,
      failures,
      themed: beside.nothing,
      nearlyThemed: beside.little,
      percent: words.percent,
      block: structuredBlock(text),
      asksBriefly: newItems === 0 && newWords <= this.parameters.slightWords && text.trimEnd().endsWith('?'),
      asks: asked(signs, text),
    };
  }

  #matter(signs: number, content: number): Int32Array {
    const words = this.#content.subarray(0, content);
    return signs === 0
      ? words.slice()
      : words.filter((_, i) => ((this.#vocabularies[i] as number) & signs) === 0);
  }

  /** Of each theme: does the turn say next to nothing beside it, and does it say little? */
  #beside(
    signs: number,
    content: number,
    newItems: number,
    knownShare: number,
  ): { nothing: number; little: number } {
    const { newShare, besideTheme, besideShort, shortTurn } = this.parameters;
    let [nothing, little] = [0, 0];
    for (const theme of themes) {
      const bit = themeBit(theme);
      // Every failure brings numbers and names of its own.
      if ((signs & bit) === 0 || (newItems > 0 && theme !== 'error')) continue;
      const { beside, newBeside } = this.#countBeside(bit, content);
      if (newBeside <= 1) little |= bit;
      const isShort =
        (bit & courtesies) !== 0 && newItems === 0 && content <= shortTurn && beside <= besideShort * content;
      const isKnown =
        newBeside === 0 ||
        (newBeside <= newShare * content &&
          (beside <= besideTheme * content || knownShare >= saidInTheSameWords));
      if (isShort || isKnown) nothing |= bit;
    }
    return { nothing, little };
  }

  #countBeside(bit: number, content: number): { beside: number; newBeside: number } {
    let [beside, newBeside] = [0, 0];
    for (let i = 0; i < content; i++) {
      if (((this.#vocabularies[i] as number) & bit) !== 0) continue;
      beside += 1;
      newBeside += this.#fresh[i] as number;
    }
    return { beside, newBeside };
  }
}

/** Put in other words each time, and in few. */
const courtesies = themeBit('gratitude') | themeBit('agreement');

/** Share of a turn's pairs of words that were said of late, from which something else was said of late too. */
const saidInTheSameWords = 0.75;

function numbersBeside({ hashes, kinds, count }: Words, at: number, hash: number): number {
  let all = hash;
  for (const beside of [at - 1, at + 1])
    if (beside >= 0 && beside < count && kinds[beside] === number)
      all = hashPair(all, hashes[beside] as number);
  return all;
}

function asked(signs: number, text: string): Print['asks'] {
  if (isCall(text)) return 'a result';
  if ((signs & promptingBit) !== 0) return 'more';
  return (signs & lookingBit) !== 0 ? 'how it stands' : null;
}

/** What the phrases are a sign of that begin at a word, whose entry it is. */
function phraseSigns({ phrases }: WordEntry, hashes: Int32Array, at: number, count: number): number {
  if (phrases === null || at + 1 >= count) return 0;
  let signs = 0;
  for (const { rest, signs: bits } of phrases.get(hashes[at + 1] as number) ?? []) {
    if (at + 1 + rest.length >= count) continue;
    let i = 0;
    while (i < rest.length && hashes[at + 2 + i] === rest[i]) i += 1;
    if (i === rest.length) signs |= bits;
  }
  return signs;
}
