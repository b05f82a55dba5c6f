import { systemTimers, type Timers } from './clock.js';
import { isPermanent } from './errors.js';

const firstPauseMs = 100;
const longestPauseMs = 10_000;

/** Told when a part of a process cannot get on, and when it can again. */
export interface Weather {
  /** It cannot do this just now; told once, however often it tries. */
  failed(what: string, error: unknown): void;
  /** It could do it again. */
  recovered(what: string): void;
}

/** The process was told to stop and something could not be done: it stays undone, and unacknowledged. */
export class GaveUp extends Error {
  override readonly name = 'GaveUp';
}

/**
 * Does `work` until it succeeds, with growing pauses.
 *
 * @throws GaveUp when the signal comes first, be it that `work` fails, does not answer or has not begun;
 *   and whatever trying again cannot mend.
 */
export async function untilDone<T>(
  what: string,
  work: () => T | Promise<T>,
  signal: AbortSignal,
  weather: Weather,
  timers: Timers = systemTimers,
): Promise<T> {
  if (signal.aborted) throw new GaveUp(`${what}: not begun`);
  let failedBefore = false;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      const result = await orGiveUp(what, work(), signal);
      if (failedBefore) weather.recovered(what);
      return result;
    } catch (error) {
      if (error instanceof GaveUp || isPermanent(error)) throw error;
      if (!failedBefore) weather.failed(what, error);
      failedBefore = true;
      if (!signal.aborted) await timers.sleep(pauseMs, signal);
      if (signal.aborted) throw new GaveUp(`${what}: given up`, { cause: error });
    }
  }
}

/** What `work` comes to, or GaveUp when the signal comes before it. What comes later is heard by nobody. */
function orGiveUp<T>(what: string, work: T | Promise<T>, signal: AbortSignal): T | Promise<T> {
  if (!(work instanceof Promise)) return work;
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new GaveUp(`${what}: given up while it was under way`));
    const settled = (): void => signal.removeEventListener('abort', giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    work.finally(settled).then(resolve, reject);
  });
}

/** Does `work`; what is still under way in it after `graceMs` is given up. */
export async function withinGrace(
  graceMs: number,
  giveUp: AbortController,
  timers: Timers,
  work: () => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  void timers.sleep(graceMs, over.signal).then(() => {
    if (!over.signal.aborted) giveUp.abort();
  });
  try {
    await work();
  } finally {
    over.abort();
  }
}
