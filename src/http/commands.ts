import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { messageOf } from '../errors.js';
import { bounded } from '../events/envelope.js';
import { defaultTenant } from '../events/schemas.js';
import { formatTime } from '../events/time.js';
import type { ApiParts, Command } from './api.js';
import { bodyOf } from './interactions.js';
import { type Problem, sendProblem } from './problem.js';

/**
 * `POST /v1/commands`: {tenant?, agent_a, agent_b, action: terminate | reset, actor?, reason?}. 200 says that it is
 * applied, with the circuit events that it caused; none means that there was nothing to change. 202 says that it is
 * kept, and that it is not known yet what comes of it.
 */
export function commandRoutes(server: FastifyInstance, parts: ApiParts): void {
  server.post('/v1/commands', async (request, reply) => {
    const command = readCommand(bodyOf(request), parts.clock());
    if ('status' in command) return sendProblem(reply, command);
    const settlement = await parts.commands(command);
    switch (settlement.kind) {
      case 'rejected': {
        const errors = [{ index: 0, ...settlement.rejection }];
        const detail = `${settlement.rejection.field} ${settlement.rejection.rule}`.trim();
        return sendProblem(reply, { status: 400, title: 'The command was not accepted', detail, errors });
      }
      case 'applied':
        return { changed: settlement.events.length > 0, events: settlement.events };
      case 'pending':
        return reply.code(202).send({ applied: false, changed: false, events: [] });
    }
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The command, given an id and a time where it has none; whether it is a valid one is seen when it is applied. */
export function readCommand(body: Buffer, now: number): Command | Problem {
  try {
    const command = JSON.parse(utf8.decode(body)) as unknown;
    if (typeof command !== 'object' || command === null || Array.isArray(command))
      return { status: 400, title: 'Not a command', detail: 'the body must be one JSON object' };
    // JSON.parse takes any depth, JSON.stringify does not.
    const complete = JSON.stringify({ id: randomUUID(), time: formatTime(now), ...command });
    return { body: Buffer.from(complete), tenant: tenantOf(command) };
  } catch (error) {
    const detail = `the body must be JSON in UTF-8, and not deeply nested: ${bounded(messageOf(error))}`;
    return { status: 400, title: 'Not JSON', detail };
  }
}

/** The tenant of a command that was accepted, be it a bare object or a CloudEvent. */
function tenantOf(command: object): string {
  const data = 'specversion' in command && 'data' in command ? command.data : command;
  return (data as { readonly tenant?: string } | null)?.tenant ?? defaultTenant;
}
