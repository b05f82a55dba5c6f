import type { Timers } from '../../clock.js';
import { GaveUp } from '../../retry.js';
import type { Turn } from '../transcript.js';

/** Characters of text between two turns of everybody else: some milliseconds of the rules. */
const sliceLength = 16 * 1024;

/**
 * Turns as they are read, with a turn for everybody else after so much text: a scan of ten million tokens must keep no
 * heartbeat, acknowledgement or request waiting.
 *
 * @throws GaveUp when the signal aborts
 */
export async function* inSlices(
  turns: AsyncIterable<Turn>,
  timers: Pick<Timers, 'turn'>,
  signal: AbortSignal,
): AsyncGenerator<Turn> {
  let length = 0;
  for await (const turn of turns) {
    yield turn;
    length += turn.text.length;
    if (length < sliceLength) continue;
    length = 0;
    await timers.turn();
    if (signal.aborted) throw new GaveUp('analyse: given up');
  }
}
