import { setTimeout as sleep } from 'node:timers/promises';
import { isPermanent } from '../errors.js';
import type { EventSource, SourceMessage } from '../ports.js';

/** Pause before a source is looked at again after a failure, in ms. */
const againMs = 200;
const readAtATime = 500;
const waitMs = 100;

/**
 * Resolves with the first that `find` makes of a message, however often the broker is away meanwhile; never where the
 * source ends before.
 */
export async function firstTold<T>(
  source: EventSource,
  find: (message: SourceMessage) => T | null,
): Promise<T> {
  for (;;) {
    const batch = await source.read(readAtATime, waitMs).catch(async (error: unknown) => {
      if (isPermanent(error)) throw error;
      await sleep(againMs);
      return { messages: [] };
    });
    if (batch === null) return new Promise(() => {});
    for (const message of batch.messages) {
      const found = find(message);
      if (found !== null) return found;
    }
  }
}
