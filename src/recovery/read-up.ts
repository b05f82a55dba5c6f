import { CatchUp } from '../catch-up.js';
import type { LogSource, SourceMessage } from '../ports.js';

const readAtATime = 500;
const waitMs = 100;

/** Does something until it is done, see `Work.must`. */
export type Must = <T>(what: string, work: () => T | Promise<T>) => Promise<T>;

/**
 * Reads a source up to what it held when this was called. Called again, it goes on where it was.
 *
 * @returns false when the source was closed before
 */
export async function readUp(
  source: LogSource,
  must: Must,
  take: (message: SourceMessage) => void | Promise<void>,
): Promise<boolean> {
  const catchUp = new CatchUp();
  const isRead = async () => catchUp.isDone(source.logs(), await source.progress());
  while (!(await must(`ask ${source.name} how far it is read`, isRead))) {
    // While there is more than enough it is not at its end.
    for (let full = true; full; ) {
      const batch = await must(`read ${source.name}`, () => source.read(readAtATime, waitMs));
      if (batch === null) return false;
      for (const message of batch.messages) {
        const taking = take(message);
        if (taking !== undefined) await taking;
      }
      full = batch.messages.length === readAtATime;
    }
  }
  return true;
}
