import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { circuitEvent } from '../events/circuit.js';
import { bounded } from '../events/envelope.js';
import { defaultTenant } from '../events/schemas.js';
import type { ApiParts } from './api.js';
import { settleAll } from './intake.js';
import { bodyOf } from './interactions.js';
import { sendProblem } from './problem.js';

/**
 * `POST /v1/commands`: {tenant?, agent_a, agent_b, action: terminate | reset, actor?, reason?}. Answers, once
 * it is applied, with the circuit events that it caused; none means that there was nothing to change.
 */
export function commandRoutes(server: FastifyInstance, parts: ApiParts): void {
  server.post('/v1/commands', async (request, reply) => {
    let command: unknown;
    try {
      command = JSON.parse(bodyOf(request).toString('utf8'));
    } catch (error) {
      const detail = `the body must be JSON: ${bounded((error as Error).message)}`;
      return sendProblem(reply, { status: 400, title: 'Not JSON', detail });
    }
    if (typeof command !== 'object' || command === null || Array.isArray(command))
      return sendProblem(reply, {
        status: 400,
        title: 'Not a command',
        detail: 'the body must be one JSON object',
      });
    const bare = { id: randomUUID(), time: parts.clock(), ...command };
    const item = { body: Buffer.from(JSON.stringify(bare)), headers: {} };
    const [settlement] = await settleAll(parts, parts.commands, [item]);
    if (settlement?.kind !== 'accepted') {
      const errors = settlement === undefined ? [] : [{ index: 0, ...settlement.rejection }];
      const detail = errors.map(({ field, rule }) => `${field} ${rule}`.trim()).join('; ');
      return sendProblem(reply, { status: 400, title: 'The command was not accepted', detail, errors });
    }
    const tenant = (command as { tenant?: string }).tenant ?? defaultTenant;
    const events = settlement.transitions.map((transition) =>
      circuitEvent({ tenant, transition, traceparent: null }),
    );
    return { changed: settlement.changed, events };
  });
}
