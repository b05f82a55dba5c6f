export const hashStart = 0x811c9dc5;

/** One step of FNV-1a, 32 bits. */
export function hashStep(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193);
}

/** The hash of a word as `readWords` makes it: lower case, without apostrophes. */
export function hashWord(word: string): number {
  let hash = hashStart;
  for (let i = 0; i < word.length; i++) hash = hashStep(hash, word.charCodeAt(i));
  return hash | 0;
}

/** Two hashes, in order, to one; mixed so that its low bits are as good as its high ones. */
export function hashPair(first: number, second: number): number {
  let hash = Math.imul(first ^ (second >>> 15) ^ Math.imul(second, 0x85ebca6b), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return hash | 0;
}
