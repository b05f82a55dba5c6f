/** Counts tokens of a text: the whitespace counter here, or a tokenizer of the caller's. */
export interface TokenCounter {
  /** Names it where counts are reported. */
  readonly name: string;
  /** A whole number >= 0; the count of a text is about the sum of the counts of its parts. */
  count(text: string): number;
}

/** Runs of characters between white space: free of any model's vocabulary, and some 0.75 of a model's count. */
export const whitespaceTokens: TokenCounter = { name: 'whitespace', count: countWords };

function countWords(text: string): number {
  let words = 0;
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    const space = isSpace(text.charCodeAt(i));
    if (!space && !inWord) words += 1;
    inWord = !space;
  }
  return words;
}

/** White space of ECMAScript's \s. */
function isSpace(code: number): boolean {
  if (code <= 32) return code === 32 || (code >= 9 && code <= 13);
  if (code < 160) return false;
  return (
    code === 160 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000 ||
    code === 0xfeff
  );
}

/**
 * Cuts a text into pieces of at most `mostTokens` each, between words where there are any. Nothing is lost:
 * the pieces joined are the text.
 */
export function splitByTokens(text: string, mostTokens: number, counter: TokenCounter): string[] {
  const tokens = counter.count(text);
  // A single character is never cut, whatever a tokenizer makes of it.
  if (tokens <= mostTokens || text.length < 2) return [text];
  const middle = cutNear(text, text.length >> 1);
  return [
    ...splitByTokens(text.slice(0, middle), mostTokens, counter),
    ...splitByTokens(text.slice(middle), mostTokens, counter),
  ];
}

/** Where to cut: after the white space nearest before `at`, or at it, but never inside a surrogate pair. */
function cutNear(text: string, at: number): number {
  const earliest = at >> 1;
  for (let i = at; i > earliest; i--) if (isSpace(text.charCodeAt(i - 1))) return i;
  const code = text.charCodeAt(at);
  const insidePair = code >= 0xdc00 && code <= 0xdfff && at > 1;
  return insidePair ? at - 1 : at;
}
