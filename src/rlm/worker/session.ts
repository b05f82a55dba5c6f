import type { SessionOf, TranscriptStore } from '../ports.js';
import type { Question } from './question.js';

/**
 * The session that a question is about: the one it names, else the one in which the interaction was said that opened the
 * circuit, else the one that spoke last. Null where nothing is kept of it.
 */
export async function sessionOf(transcripts: TranscriptStore, question: Question): Promise<string | null> {
  const { tenant, pairId, session, cause } = question;
  const kept = await transcripts.sessions(tenant, pairId);
  if (session !== null) return kept.some((one) => one.session === session) ? session : null;
  if (cause !== null && kept.length > 1)
    for (const one of kept)
      if (one.lastAt >= cause.at && (await isSaidIn(transcripts, { ...one, tenant, pairId }, cause)))
        return one.session;
  return kept[0]?.session ?? null;
}

async function isSaidIn(
  transcripts: TranscriptStore,
  session: SessionOf,
  { eventId, at }: NonNullable<Question['cause']>,
): Promise<boolean> {
  for await (const turn of transcripts.turns(session, at)) {
    if (turn.eventId === eventId) return true;
    if ((turn.time ?? at) > at) return false;
  }
  return false;
}
