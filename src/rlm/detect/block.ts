import { hashStart, hashStep } from '../language/hash.js';
import { callIds } from '../language/words.js';

/** Shorter ones, as `{"ok":true}`, say the same without being the same. */
const fewestCharacters = 24;

/**
 * The hash of the JSON objects in a text: a call with its arguments, or what it gave. Where they are the same again
 * the same thing was done again, whatever is said about it. 0: there are none of substance.
 */
export function structuredBlock(text: string): number {
  let hash = hashStart;
  let found = false;
  let start = text.indexOf('{"');
  while (start >= 0) {
    const end = closingBrace(text, start);
    if (end - start >= fewestCharacters) {
      found = true;
      // With what stands right before it: the name of what was called.
      const block = text.slice(nameStart(text, start), end).replace(callIds, '');
      for (let i = 0; i < block.length; i++) hash = hashStep(hash, block.charCodeAt(i));
    }
    start = text.indexOf('{"', end);
  }
  return found ? hash | 0 || 1 : 0;
}

/** Characters of a name at most. */
const longestName = 64;

/** Where the word before `at` begins, or `at` where white space is before it. */
function nameStart(text: string, at: number): number {
  const earliest = Math.max(0, at - longestName);
  let start = at;
  while (start > earliest && !/\s/.test(text.charAt(start - 1))) start -= 1;
  return start;
}

/** The place after the brace that closes the one at `start`, or the end of the text. */
function closingBrace(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x7b) depth += 1;
    else if (code === 0x7d && --depth === 0) return i + 1;
  }
  return text.length;
}

/** A shell prompt, a call as in code, a fence, a tag, or a word that says that something is run, and a colon. */
const command =
  /^\s*(?:[$%>]\s|>>>|```|<\w|[\w.]+\(|(?:action|command|tool|call|calling|execut\w+|invok\w+)\b[^.\n]{0,40}:)/i;
/** The same below what is said about it: a prompt, or the tag of a tool. */
const commandBelow = /\n\s*(?:\$ \S|<(?:execute|tool|function|invoke)|action:)/i;
/** A field that only a call has. */
const callField = /"(?:tool|tool_name|tool_input|function|action|command|cmd|arguments|args)"\s*:/;
/** The name of a call that hands the work to another agent: `transfer_to_billing`. */
const handOver = /(?:transfer|hand_?off|hand_?over|delegate|escalate|route|assign)_(?:back_)?to_/i;
/** Characters in which it shows that a turn calls something. */
const callShows = 512;

/** Is something called or run? */
export function isCall(text: string): boolean {
  const start = text.slice(0, callShows);
  return command.test(start) || commandBelow.test(start) || start.includes('```') || callField.test(start);
}

/** Is the work handed to another agent by a call? */
export function isHandOver(text: string): boolean {
  return handOver.test(text.slice(0, callShows));
}
