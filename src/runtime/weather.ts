import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import { untilDone, type Weather } from '../retry.js';

/** Troubles and their end, a line each. */
export function loggedWeather(logger: Logger): Weather {
  return {
    failed: (what, error) => logger.error({ reason: messageOf(error) }, `cannot ${what}, trying again`),
    recovered: (what) => logger.info(`can ${what} again`),
  };
}

/** Troubles that last, each as what cannot be done. */
export class Troubles implements Weather {
  private readonly lasting = new Set<string>();

  constructor(private readonly next: Weather) {}

  get list(): readonly string[] {
    return [...this.lasting];
  }

  failed(what: string, error: unknown): void {
    this.lasting.add(what);
    this.next.failed(what, error);
  }

  recovered(what: string): void {
    this.lasting.delete(what);
    this.next.recovered(what);
  }
}

/** Tells of a connection's state, a line each. */
export function loggedStatus(logger: Logger): (line: string, level: 'info' | 'warn' | 'error') => void {
  return (line, level) => logger[level](line);
}

/** How servers that may be away are reached at start. */
export interface Reach {
  /** One that is away is an error, instead of being waited for. */
  readonly failFast: boolean;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Told of what is waited for. @defaultValue the logger */
  readonly weather?: Weather;
}

/**
 * Does what needs a server that may be away: again and again, or once when the caller asked to fail fast.
 *
 * @throws what trying again cannot mend, and GaveUp when the signal comes first
 */
export function reached<T>(
  what: string,
  work: () => Promise<T>,
  { failFast, signal, logger, weather = loggedWeather(logger) }: Reach,
): Promise<T> {
  return failFast ? work() : untilDone(what, work, signal, weather);
}
