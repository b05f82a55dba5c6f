import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import { FulcrumError, messageOf } from '../errors.js';
import type { Opened } from './opened.js';

/** Listens where the config says; returns the URL. @throws FulcrumError `config` when that cannot be */
export async function listen(
  server: FastifyInstance,
  { host, port }: Pick<Config['http'], 'host' | 'port'>,
  opened: Opened,
): Promise<string> {
  opened.add(() => server.close());
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    throw new FulcrumError('config', `cannot listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
  }
}

/** A server logs every request at info; normal operation says nothing. */
export function requestLogger(logger: Logger): Logger {
  return logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level });
}
