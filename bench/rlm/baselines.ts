import type { Turn } from '../../src/rlm/transcript.js';
import { countWords } from './session.js';

/** Says of a transcript whether it loops. */
export interface Baseline {
  readonly name: string;
  readonly detects: (turns: readonly Turn[]) => boolean;
  /** Tokens that it looks at, of so many. */
  readonly reads: (tokens: number) => number;
}

/**
 * The reference's phrase scorer (fulcrum-trust 0.3.0 of Python, `score_gratitude_signal`): each phrase counts its
 * weight each time it occurs in the text in lower case; one more where there is any, and both words are there.
 */
const phraseWeights: Readonly<Record<string, number>> = {
  'thank you': 2,
  'thanks again': 1.5,
  'appreciate your help': 1.5,
  'grateful for the handoff': 1.5,
  'happy to help': 1,
  'you are welcome': 1,
};
const threshold = 6;

export function phraseScore(text: string): number {
  const lower = text.toLowerCase();
  let score = 0;
  for (const [phrase, weight] of Object.entries(phraseWeights))
    score += (lower.split(phrase).length - 1) * weight;
  return score > 0 && lower.includes('orchestrator') && lower.includes('worker') ? score + 1 : score;
}

/** Its `StandardRecallBaseline`: the phrase scorer over the first and the last 4,096 tokens of the session. */
const window = 4_096;

export const headTail: Baseline = {
  name: "reference's head-tail baseline",
  detects: (turns) => {
    const [head, tail] = [firstTokens(turns, window), firstTokens([...turns].reverse(), window, true)];
    return phraseScore([...head, ...tail].join(' ')) >= threshold;
  },
  reads: (tokens) => Math.min(tokens, 2 * window),
};

function firstTokens(turns: readonly Turn[], most: number, fromTheEnd = false): string[] {
  const taken: string[] = [];
  for (const { speaker, text } of turns) {
    if (taken.length >= most) break;
    const tokens = `${speaker} ${text}`.split(/\s+/).filter((token) => token !== '');
    if (fromTheEnd) taken.unshift(...tokens);
    else taken.push(...tokens);
  }
  return fromTheEnd ? taken.slice(-most) : taken.slice(0, most);
}

/** Its `RLMPrototype`: the phrase scorer over each partition of 2,048 tokens but the first and the last tenth of them. */
export const phraseScorer: Baseline = {
  name: "reference's phrase scorer, by partition",
  detects: (turns) => {
    const partitions: string[] = [];
    let open: string[] = [];
    for (const { speaker, text } of turns)
      for (const token of `${speaker} ${text}`.split(/\s+/)) {
        if (token === '') continue;
        open.push(token);
        if (open.length < 2_048) continue;
        partitions.push(open.join(' '));
        open = [];
      }
    if (open.length > 0) partitions.push(open.join(' '));
    const count = partitions.length;
    const start = count <= 2 ? 0 : Math.floor(count * 0.1);
    const end = count <= 2 ? count : Math.max(start + 1, Math.floor(count * 0.9));
    return partitions.slice(start, end).some((text) => phraseScore(text) >= threshold);
  },
  reads: (tokens) => Math.round(tokens * 0.8),
};

/** The same turn, speaker and text, three times anywhere; `fewestWords` leaves out what only names the next speaker. */
const thrice = (name: string, fewestWords: number): Baseline => ({
  name,
  detects: (turns) => {
    const counts = new Map<string, number>();
    return turns.some((turn) => {
      if (countWords(turn.text) < fewestWords) return false;
      const count = (counts.get(keyOf(turn)) ?? 0) + 1;
      counts.set(keyOf(turn), count);
      return count >= 3;
    });
  },
  reads: (tokens) => tokens,
});
export const sameTurnThrice = thrice('the same turn three times', 1);
export const sameLongTurnThrice = thrice('the same turn of 5 words or more three times', 5);

/** Turns that come round in a cycle of one to five, five times one after the other. */
export const exactCycle: Baseline = {
  name: 'a cycle of 1 to 5 turns, five times',
  detects: (turns) => {
    const keys = turns.map(keyOf);
    for (let period = 1; period <= 5; period++) {
      let same = 0;
      for (let i = period; i < keys.length; i++) {
        same = keys[i] === keys[i - period] ? same + 1 : 0;
        if (same >= 4 * period) return true;
      }
    }
    return false;
  },
  reads: (tokens) => tokens,
};

function keyOf({ speaker, text }: Turn): string {
  return `${speaker}\n${text}`;
}
