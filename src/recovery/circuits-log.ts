import { CatchUp } from '../catch-up.js';
import { circuitEventOf } from '../events/circuit.js';
import type { CircuitEvent } from '../events/schemas.js';
import type { LogSource } from '../ports.js';
import type { Work } from '../processor/work.js';

const readAtATime = 500;
const waitMs = 100;

/**
 * Reads the circuits log up to what it held when this was called, and shows each event. Called again, it goes on where it
 * was.
 */
export async function readCircuits(
  work: Pick<Work, 'must'>,
  source: LogSource,
  take: (event: CircuitEvent) => void,
): Promise<void> {
  const catchUp = new CatchUp();
  const isRead = async () => catchUp.isDone(source.logs(), await source.progress());
  while (!(await work.must(`ask ${source.name} how far it is read`, isRead))) {
    // While there is more than enough it is not at its end.
    for (let full = true; full; ) {
      const batch = await work.must(`read ${source.name}`, () => source.read(readAtATime, waitMs));
      if (batch === null) return;
      for (const message of batch.messages) {
        const event = circuitEventOf(message);
        if (event !== null) take(event);
      }
      full = batch.messages.length === readAtATime;
    }
  }
}
