import { optionalPeer } from '../optional-peer.js';
import { type TokenCounter, whitespaceTokens } from './tokens.js';

/** What tokens can be counted by: white space, or the vocabulary of a model. */
export const tokenizers = ['whitespace', 'cl100k_base', 'o200k_base'] as const;
/** One of {@link tokenizers}. */
export type Tokenizer = (typeof tokenizers)[number];

/**
 * The counter of a tokenizer. Those of models come from the package gpt-tokenizer, an optional peer.
 *
 * @throws FulcrumError `usage` where it is asked for and not installed
 */
export async function tokenCounter(name: Tokenizer): Promise<TokenCounter> {
  if (name === 'whitespace') return whitespaceTokens;
  const { countTokens } = await optionalPeer(
    vocabulary(name),
    `the tokenizer ${name} needs gpt-tokenizer, which is not installed: npm install gpt-tokenizer`,
  );
  // What looks like a control token of a model is text here, as everything in a transcript is.
  const asText = { disallowedSpecial: new Set<string>() };
  return { name, count: (text) => countTokens(text, asText) };
}

function vocabulary(name: Exclude<Tokenizer, 'whitespace'>) {
  return name === 'o200k_base'
    ? import('gpt-tokenizer/encoding/o200k_base')
    : import('gpt-tokenizer/encoding/cl100k_base');
}
