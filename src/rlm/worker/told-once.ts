import type { Turn } from '../transcript.js';

/** How many turns back a repeat of an event is known. */
const rememberedTurns = 1_000;

/**
 * Turns without those that a producer sent again: the same event id, speaker and text among the last ones. A store keeps
 * what lies at another position of the log, and what was sent twice was said once.
 */
export async function* toldOnce(turns: AsyncIterable<Turn>): AsyncGenerator<Turn> {
  const recent = new Map<string, Turn>();
  for await (const turn of turns) {
    const { eventId } = turn;
    if (eventId === undefined) yield turn;
    else {
      const before = recent.get(eventId);
      if (before?.text === turn.text && before.speaker === turn.speaker) continue;
      recent.set(eventId, turn);
      if (recent.size > rememberedTurns) recent.delete(recent.keys().next().value ?? '');
      yield turn;
    }
  }
}
