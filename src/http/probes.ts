import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { messageOf } from '../errors.js';
import { type ProbeAnswer, probeRequestSchema } from '../events/answers.js';
import { bounded } from '../events/envelope.js';
import { makePairId } from '../trust/pair.js';
import { isPairOf } from '../trust/state.js';
import type { ApiParts } from './api.js';
import { bodyOf } from './interactions.js';
import { badField, type Problem, sendProblem } from './problem.js';

/**
 * `POST /v1/probes`: {tenant?, agent_a, agent_b, transition, holder, lasts_ms?, release?}. Of all callers one at a time
 * is granted to be the probe of a pair that is HALF_OPEN under this number; it asks again to stay it.
 */
export function probeRoutes(server: FastifyInstance, parts: ApiParts): void {
  server.post('/v1/probes', async (request, reply) => {
    const wanted = readRequest(bodyOf(request));
    return 'status' in wanted ? sendProblem(reply, wanted) : answer(parts, wanted);
  });
}

type ProbeRequest = z.infer<typeof probeRequestSchema>;

async function answer(parts: ApiParts, request: ProbeRequest): Promise<ProbeAnswer> {
  const { tenant, agent_a: agentA, agent_b: agentB, transition, holder, lasts_ms: lastsMs } = request;
  const pairId = makePairId(agentA, agentB);
  const lease = parts.probes.lease({ tenant, pairId, agentA, agentB, transition }, holder, lastsMs);
  if (request.release) {
    await lease.release();
    return { granted: false, lasts_ms: 0 };
  }
  const state = (await parts.store.read(tenant, pairId))?.state;
  const isNow =
    state != null &&
    isPairOf(state, { agentA, agentB }) &&
    state.circuitState === 'HALF_OPEN' &&
    state.transition === transition;
  const granted = isNow && (await lease.hold());
  return { granted, lasts_ms: granted ? Math.floor(lease.lastsMs) : 0 };
}

function readRequest(body: Buffer): ProbeRequest | Problem {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    return {
      status: 400,
      title: 'Not JSON',
      detail: `the body must be JSON in UTF-8: ${bounded(messageOf(error))}`,
    };
  }
  const parsed = probeRequestSchema.safeParse(json);
  return parsed.success ? parsed.data : { status: 400, title: 'Bad request', detail: badField(parsed.error) };
}
