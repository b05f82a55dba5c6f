import { hashWord } from './hash.js';
import { type Language, themes } from './language.js';

/** A phrase after its first two words. */
export interface PhraseTail {
  readonly rest: readonly number[];
  /** Bits of what the phrase is a sign of. */
  readonly signs: number;
}

/** What is known of one word. */
export interface WordEntry {
  stop: boolean;
  counter: boolean;
  durationUnit: boolean;
  /** Bits of the themes in whose turns the word says nothing new. */
  vocabulary: number;
  /** Bits of what the word by itself is a sign of. */
  signs: number;
  /** The phrases that begin with it, by their second word; null: none does. */
  phrases: Map<number, PhraseTail[]> | null;
}

export type Lexicon = ReadonlyMap<number, WordEntry>;

/** Bit of each theme, by its place in `themes`; after them waiting, done, looking and prompting. */
export const themeBit = (theme: (typeof themes)[number]): number => 1 << themes.indexOf(theme);
export const errorBit = themeBit('error');
export const waitingBit = 1 << themes.length;
export const doneBit = 1 << (themes.length + 1);
export const lookingBit = 1 << (themes.length + 2);
export const promptingBit = 1 << (themes.length + 3);

/** The tables of a language by the hash of the word, so that each word of a text is looked up once. */
export function lexiconOf(language: Language): Lexicon {
  const entries = new Map<number, WordEntry>();
  const entry = (word: string): WordEntry => {
    const hash = hashWord(word);
    const known = entries.get(hash);
    if (known !== undefined) return known;
    const made = { stop: false, counter: false, durationUnit: false, vocabulary: 0, signs: 0, phrases: null };
    entries.set(hash, made);
    return made;
  };
  const phrase = (text: string, signs: number): void => {
    const [first = '', second, ...rest] = text.split(' ');
    const begins = entry(first);
    if (second === undefined) {
      begins.signs |= signs;
      return;
    }
    begins.phrases ??= new Map();
    const tails = begins.phrases.get(hashWord(second)) ?? [];
    begins.phrases.set(hashWord(second), [...tails, { rest: rest.map(hashWord), signs }]);
  };
  for (const word of language.stopWords.split(' ')) entry(word).stop = true;
  for (const word of language.counterWords.split(' ')) entry(word).counter = true;
  for (const word of language.durationUnits.split(' ')) entry(word).durationUnit = true;
  for (const theme of themes) {
    const { triggers, beside } = language.themes[theme];
    const phrases = triggers.split(', ');
    for (const trigger of phrases) phrase(trigger, themeBit(theme));
    for (const word of [...phrases.flatMap((trigger) => trigger.split(' ')), ...beside.split(' ')])
      entry(word).vocabulary |= themeBit(theme);
  }
  for (const text of language.waiting.split(', ')) phrase(text, waitingBit);
  for (const text of language.done.split(', ')) phrase(text, doneBit);
  for (const text of language.looking.split(', ')) phrase(text, lookingBit);
  for (const text of language.prompting.split(', ')) phrase(text, promptingBit);
  return entries;
}
