import { circuitEventOf } from '../events/circuit.js';
import type { CircuitEvent } from '../events/schemas.js';
import type { LogSource } from '../ports.js';
import type { Work } from '../processor/work.js';
import { readUp } from './read-up.js';

/** Shows each event that the circuits log held when this was called. Called again, it goes on where it was. */
export function readCircuits(
  work: Pick<Work, 'must'>,
  source: LogSource,
  take: (event: CircuitEvent) => void,
): Promise<boolean> {
  return readUp(source, work.must, (message) => {
    const event = circuitEventOf(message);
    if (event !== null) take(event);
  });
}
