import { deliveredEvent } from '../../events/delivered.js';
import { isRejection } from '../../events/envelope.js';
import type { EventSource, SourceMessage } from '../../ports.js';
import type { TurnToKeep } from '../ports.js';
import { turnOf } from '../turn-of.js';
import { readAtATime, readWaitMs } from './reading.js';
import type { Work } from './work.js';

/** Keeps what interactions say to the end of their source: read, keep, acknowledge. */
export async function keepTurns(work: Work, source: EventSource): Promise<void> {
  for (;;) {
    const batch = await work.must(`read ${source.name}`, () => source.read(readAtATime, readWaitMs));
    if (batch === null) return;
    if (batch.messages.length === 0) continue;
    const turns = turnsOf(work, source, batch.messages);
    if (turns.length > 0) await work.must('keep transcripts', () => work.transcripts.add(turns));
    await work.must(`acknowledge ${source.name}`, () => batch.ack());
    await work.timers.turn();
  }
}

/** What is no interaction is left out: the processors make a dead letter of it. */
function turnsOf(work: Work, source: EventSource, messages: readonly SourceMessage[]): TurnToKeep[] {
  const turns: TurnToKeep[] = [];
  for (const message of messages) {
    const turn = turnOf(deliveredEvent(source, message), work.limits);
    if (turn !== null && !isRejection(turn)) turns.push(turn);
  }
  return turns;
}
