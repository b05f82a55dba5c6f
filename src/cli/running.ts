import { type Logger, pino } from 'pino';
import { configWarnings, type LoadedConfig } from '../config.js';
import { GaveUp } from '../retry.js';
import { note } from './output.js';
import { stopSignal } from './stop-signal.js';

/** What runs until it is stopped, or fails for good. */
interface Running {
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/** The log of a command that runs on, on standard error; begins with what the config probably does not mean. */
export function startLog({ config }: LoadedConfig): Logger {
  const logger = pino({ level: config.log.level, base: null }, pino.destination(2));
  for (const warning of configWarnings(config)) logger.warn(warning);
  return logger;
}

/**
 * Starts something and stops it at the first SIGTERM or SIGINT, be it while it still starts.
 *
 * @param start its signal ends waiting for servers that are away
 * @param announce says that it runs
 */
export async function runUntilStopped<R extends Running>(
  start: (signal: AbortSignal) => Promise<R>,
  announce: (running: R) => void,
): Promise<void> {
  const stopped = stopSignal();
  const giveUp = new AbortController();
  void stopped.then(() => giveUp.abort());
  const running = await start(giveUp.signal).catch((error: unknown) => {
    if (error instanceof GaveUp) return null;
    throw error;
  });
  if (running === null) return;
  announce(running);
  try {
    await Promise.race([stopped, running.failed]);
    note('stopping: finishing what was taken');
  } finally {
    await running.stop();
  }
}
