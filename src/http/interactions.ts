import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isRejection } from '../events/envelope.js';
import type { MessageHeaders, Settlement } from '../ports.js';
import type { ApiParts } from './api.js';
import { settleAll } from './intake.js';
import { type ItemError, sendProblem } from './problem.js';
import { type Item, splitBody } from './split.js';

/**
 * `POST /v1/interactions`: one event, an array, or one a line. 202 says that what it counts as accepted is
 * there for good: applied and committed, or with the broker; what was refused is listed and is kept nowhere else.
 */
export function interactionRoutes(server: FastifyInstance, parts: ApiParts): void {
  server.post('/v1/interactions', async (request, reply) => {
    let items: readonly Item[];
    try {
      items = splitBody(bodyOf(request), request.headers['content-type'] ?? '', headersOf(request));
    } catch (error) {
      if (typeof error !== 'object' || error === null || !isRejection(error)) throw error;
      return refuseAll(reply, [{ index: 0, reason: error.reason, field: error.field, rule: error.rule }]);
    }
    if (items.length === 0)
      return sendProblem(reply, { status: 400, title: 'No event', detail: 'the body holds no event' });
    const settlements = await settleAll(parts, parts.interactions, items);
    const rejected = itemErrors(settlements);
    if (rejected.length === settlements.length) return refuseAll(reply, rejected);
    return reply.code(202).send({ accepted: settlements.length - rejected.length, rejected });
  });
}

function refuseAll(reply: FastifyReply, errors: readonly ItemError[]): FastifyReply {
  const [first] = errors;
  const detail = first === undefined ? 'no event was taken' : `${first.field} ${first.rule}`.trim();
  return sendProblem(reply, { status: 400, title: 'No event was accepted', detail, errors });
}

function itemErrors(settlements: readonly Settlement[]): ItemError[] {
  return settlements.flatMap((settlement, index) => {
    if (settlement.kind === 'accepted') return [];
    const { reason, field, rule } = settlement.rejection;
    return [{ index, reason, field, rule }];
  });
}

export function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function headersOf(request: FastifyRequest): MessageHeaders {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers))
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : (value.at(-1) ?? '');
  return headers;
}
