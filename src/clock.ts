import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from './ports.js';

/** The system's clock, in seconds since the epoch. */
export const systemClock: Clock = () => Date.now() / 1_000;

/** How a process waits. Tests put their own in its place, so that a run can be repeated to the letter. */
export interface Timers {
  /** Milliseconds since a moment of its own, which only rise. */
  elapsedMs(): number;
  /** Resolves after `ms`, or as soon as the signal aborts; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets everybody else have a turn. */
  turn(): Promise<void>;
}

export const systemTimers: Timers = {
  elapsedMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
  turn: () => nextTurn(),
};
