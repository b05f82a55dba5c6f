import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import { untilDone, type Weather } from '../processor/retry.js';

/** Troubles and their end, a line each. */
export function loggedWeather(logger: Logger): Weather {
  return {
    failed: (what, error) => logger.error({ reason: messageOf(error) }, `cannot ${what}, trying again`),
    recovered: (what) => logger.info(`can ${what} again`),
  };
}

/** Tells of a connection's state, a line each. */
export function loggedStatus(logger: Logger): (line: string, level: 'info' | 'warn' | 'error') => void {
  return (line, level) => logger[level](line);
}

/**
 * Does what needs a server that may be away: again and again, or once when the caller asked to fail fast.
 *
 * @throws what trying again cannot mend, and GaveUp when the signal comes first
 */
export function reached<T>(
  what: string,
  work: () => Promise<T>,
  { logger, failFast, signal }: { logger: Logger; failFast: boolean; signal: AbortSignal },
): Promise<T> {
  if (failFast) return work();
  return untilDone(what, () => work(), signal, loggedWeather(logger));
}
