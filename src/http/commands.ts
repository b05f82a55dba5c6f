import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { messageOf } from '../errors.js';
import { circuitEvent } from '../events/circuit.js';
import { bounded } from '../events/envelope.js';
import { defaultTenant } from '../events/schemas.js';
import { formatTime } from '../events/time.js';
import type { ApiParts } from './api.js';
import { settleAll } from './intake.js';
import { bodyOf } from './interactions.js';
import { type Problem, sendProblem } from './problem.js';

/**
 * `POST /v1/commands`: {tenant?, agent_a, agent_b, action: terminate | reset, actor?, reason?}. Answers, once
 * it is applied, with the circuit events that it caused; none means that there was nothing to change.
 */
export function commandRoutes(server: FastifyInstance, parts: ApiParts): void {
  server.post('/v1/commands', async (request, reply) => {
    const command = readCommand(bodyOf(request), parts.clock());
    if ('status' in command) return sendProblem(reply, command);
    const [settlement] = await settleAll(parts, parts.commands, [{ body: command.body, headers: {} }]);
    if (settlement?.kind !== 'accepted') {
      const errors = settlement === undefined ? [] : [{ index: 0, ...settlement.rejection }];
      const detail = errors.map(({ field, rule }) => `${field} ${rule}`.trim()).join('; ');
      return sendProblem(reply, { status: 400, title: 'The command was not accepted', detail, errors });
    }
    const events = settlement.transitions.map((transition) =>
      circuitEvent({ tenant: command.tenant, transition, traceparent: null }),
    );
    return { changed: settlement.changed, events };
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The command, given an id and a time where it has none; whether it is a valid one is seen when it is applied. */
function readCommand(body: Buffer, now: number): { body: Buffer; tenant: string } | Problem {
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
