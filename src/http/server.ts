import { STATUS_CODES } from 'node:http';
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance } from 'fastify';
import { FulcrumError, messageOf } from '../errors.js';
import { analysisRoutes } from './analyses.js';
import type { ApiParts, HealthParts } from './api.js';
import { circuitRoutes } from './circuits.js';
import { commandRoutes } from './commands.js';
import { endConnections } from './connections.js';
import { IntakeUnavailable } from './intake.js';
import { interactionRoutes } from './interactions.js';
import { probeRoutes } from './probes.js';
import { sendProblem } from './problem.js';

/** How long a request may take to arrive. */
const requestTimeoutMs = 60_000;

/** The HTTP API over the parts of a running processor. Listening is the caller's. */
export function createServer(parts: ApiParts, logger: FastifyBaseLogger): FastifyInstance {
  const server = createHealthServer(parts, logger);
  interactionRoutes(server, parts);
  commandRoutes(server, parts);
  analysisRoutes(server, parts);
  circuitRoutes(server, parts);
  probeRoutes(server, parts);
  return server;
}

/** A server that says whether this process lives and can work, and nothing else. */
export function createHealthServer(parts: HealthParts, logger: FastifyBaseLogger): FastifyInstance {
  const server = fastify({
    bodyLimit: parts.limits.maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    exposeHeadRoutes: false,
    frameworkErrors: (error, _request, reply) =>
      sendProblem(reply, { status: 400, title: 'Bad Request', detail: messageOf(error) }),
    loggerInstance: logger,
    forceCloseConnections: 'idle',
  });
  server.addHook('onRequest', async (request, reply) => {
    if (!isForeign(request.headers.origin, request.headers.host)) return;
    await sendProblem(reply, {
      status: 403,
      title: 'Forbidden',
      detail: `a page of ${request.headers.origin} may not use this API`,
    });
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  server.setErrorHandler((error: FastifyError, request, reply) => {
    const later = whyLater(error);
    if (later !== null)
      return sendProblem(reply.header('retry-after', '1'), { status: 503, title: 'Not now', detail: later });
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ err: error, url: request.url }, 'a request failed');
    return sendProblem(reply, { status, title: STATUS_CODES[status] ?? 'Error', detail: messageOf(error) });
  });
  server.setNotFoundHandler((request, reply) =>
    sendProblem(reply, { status: 404, title: 'Not found', detail: `no ${request.method} ${request.url}` }),
  );

  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', (_request, reply) => {
    const troubled = parts.troubled();
    if (troubled.length === 0) return { status: 'ready' };
    return sendProblem(reply, {
      status: 503,
      title: 'Not ready',
      detail: `cannot ${troubled.join(', cannot ')}`,
    });
  });
  endConnections(server, parts.limits.closeWithinMs);
  return server;
}

/** What to say to one who may ask again in a moment; null when that would not help. */
function whyLater(error: Error): string | null {
  if (error instanceof IntakeUnavailable) return `${error.message}. Send them again, with the same ids.`;
  return error instanceof FulcrumError && error.code === 'unavailable' ? error.message : null;
}

/** Whether a browser sends this for a page of another origin, which may neither read nor command. */
function isForeign(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}
