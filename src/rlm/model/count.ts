import type { TokenCounter } from '../tokens.js';

/** Letters, digits, other signs; what else there is (Chinese, emoji) is about a token a code unit. */
const pieces = /[A-Za-z]+|[0-9]+|([!-/:-@[-`{-~])\1*|[^\s!-~]/g;

/**
 * Tokens of a model, for where an endpoint does not say: a word of up to 7 letters is one, so are 3 digits and a run of
 * one sign. docs/rlm-models.md has it beside a real tokenizer.
 */
export const modelTokens: TokenCounter = {
  name: 'pieces',
  count(text) {
    let tokens = 0;
    for (const [piece] of text.matchAll(pieces)) {
      const code = piece.charCodeAt(0);
      const digits = code >= 48 && code <= 57;
      const letters = (code | 32) >= 97 && (code | 32) <= 122;
      tokens += digits ? Math.ceil(piece.length / 3) : letters ? Math.ceil(piece.length / 7) : 1;
    }
    return tokens;
  },
};

/** What an endpoint lays around two messages. */
export const framingTokens = 16;
