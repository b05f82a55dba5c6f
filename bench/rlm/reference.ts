import type { Turn } from '../../src/rlm/transcript.js';
import { countWords } from './session.js';

/**
 * A session as the reference's fixture makes it (fulcrum-trust 0.3.0 of Python, `generate_gratitude_loop_fixture`):
 * one neutral line, numbered, over and over, and in it 24 exchanges of numbered thanks. Without `position` no thanks.
 */
export function referenceFixture(tokens: number, position: number | null): Turn[] {
  const turns: Turn[] = [];
  const loop = position === null ? [] : thanks(24);
  let left = tokens - loop.reduce((sum, { text }) => sum + countWords(text) + 1, 0);
  for (let i = 0; left > 0; i++) {
    const text = `reviews workflow item ${i} and records stable execution evidence for audit continuity`;
    turns.push({ speaker: i % 2 === 0 ? 'orchestrator' : 'worker', text });
    left -= countWords(text) + 1;
  }
  const at = Math.min(turns.length, Math.max(1, Math.floor(turns.length * (position ?? 0))));
  return [...turns.slice(0, at), ...loop, ...turns.slice(at)];
}

function thanks(rounds: number): Turn[] {
  return Array.from({ length: rounds }, (_, i) => [
    {
      speaker: 'orchestrator',
      text: `says thank you and appreciate your help while requesting another confirmation cycle ${i}`,
    },
    {
      speaker: 'worker',
      text: `replies thanks again and grateful for the handoff while saying you are welcome and happy to help on loop ${i}`,
    },
  ]).flat();
}
