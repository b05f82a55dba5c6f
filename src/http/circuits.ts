import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { type PairView, pairView } from '../events/answers.js';
import { defaultTenant, nameSchema, tenantSchema } from '../events/schemas.js';
import type { SinkMessage } from '../ports.js';
import { type PairAnswer, shownAnalysis } from '../rlm/analysis-record.js';
import { makePairId } from '../trust/pair.js';
import type { TrustState } from '../trust/state.js';
import type { ApiParts } from './api.js';
import { badField, type Problem, sendProblem } from './problem.js';

export const pairQuery = z.object({
  tenant: tenantSchema.default(defaultTenant),
  agent_a: nameSchema,
  agent_b: nameSchema,
});
const tenantQuery = z.object({ tenant: tenantSchema.optional() });

/** Bytes that may wait for one slow reader before it is cut off; it connects again and asks for the state. */
const maxWaitingBytes = 1024 * 1024;
const heartbeatMs = 15_000;

/** `GET /v1/pairs`, `GET /v1/circuits` and `GET /v1/circuits/stream`. */
export function circuitRoutes(server: FastifyInstance, parts: ApiParts): void {
  server.get('/v1/pairs', async (request, reply) => {
    const query = pairQuery.safeParse(request.query);
    if (!query.success) return sendProblem(reply, badQuery(query.error));
    const { tenant, agent_a, agent_b } = query.data;
    const pairId = makePairId(agent_a, agent_b);
    const pair = await parts.store.read(tenant, pairId);
    if (pair?.state == null)
      return sendProblem(reply, {
        status: 404,
        title: 'Unknown pair',
        detail: `nothing is known of ${agent_a} and ${agent_b} in tenant ${tenant}`,
      });
    const answer: PairAnswer = {
      ...describePair(parts, tenant, pair.state),
      analysis: await shownAnalysis(parts.analyses, tenant, pairId),
    };
    return answer;
  });

  server.get('/v1/circuits', async (request, reply) => {
    const query = tenantQuery.safeParse(request.query);
    if (!query.success) return sendProblem(reply, badQuery(query.error));
    return { circuits: await openCircuits(parts, query.data.tenant) };
  });

  const streams = new Set<() => void>();
  server.addHook('preClose', async () => {
    for (const end of streams) end();
  });
  server.get('/v1/circuits/stream', async (request, reply) => {
    const query = tenantQuery.safeParse(request.query);
    if (!query.success) return sendProblem(reply, badQuery(query.error));
    await stream(parts, reply, query.data.tenant, streams);
    return reply;
  });
}

/** Server-sent events: `circuits`, the ones that are not CLOSED now, then a `circuit` for every change. */
async function stream(
  parts: ApiParts,
  reply: FastifyReply,
  tenant: string | undefined,
  streams: Set<() => void>,
): Promise<void> {
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let mostWaitingBytes = maxWaitingBytes;
  const send = (text: string): void => {
    // The server is closing: what comes now is for the next connection.
    if (raw.writableEnded) return;
    if (raw.writableLength > mostWaitingBytes) raw.destroy();
    else raw.write(text);
  };
  const end = (): void => void raw.end();
  // Subscribed before the list is read: what changes meanwhile comes after it, with a higher number.
  const early: SinkMessage[] = [];
  let forward = (message: SinkMessage): void => void early.push(message);
  const unsubscribe = parts.onCircuit((message) => {
    if (tenant === undefined || message.tenant === tenant) forward(message);
  });
  const heartbeat = setInterval(() => send(':\n\n'), heartbeatMs);
  streams.add(end);
  raw.once('close', () => {
    clearInterval(heartbeat);
    unsubscribe();
    streams.delete(end);
  });
  const list = await openCircuits(parts, tenant).catch((error: unknown) => {
    raw.destroy();
    throw error;
  });
  send(`event: circuits\ndata: ${JSON.stringify(list)}\n\n`);
  // However long the list is, there is time to read it.
  mostWaitingBytes += raw.writableLength;
  forward = (message) => {
    const data = Buffer.from(message.body).toString('utf8');
    send(`event: circuit\nid: ${message.id}\ndata: ${data}\n\n`);
  };
  for (const message of early) forward(message);
}

async function openCircuits(parts: ApiParts, tenant: string | undefined): Promise<PairView[]> {
  const circuits: PairView[] = [];
  for await (const listed of parts.store.circuits()) {
    if (tenant !== undefined && listed.tenant !== tenant) continue;
    if (listed.pair.state !== null) circuits.push(describePair(parts, listed.tenant, listed.pair.state));
  }
  return circuits;
}

function describePair(parts: ApiParts, tenant: string, state: TrustState): PairView {
  const policy = parts.policyOf(tenant, state.agentA, state.agentB);
  return pairView(tenant, state, policy, parts.clock(), parts.timedRecovery);
}

export function badQuery(error: z.ZodError): Problem {
  return { status: 400, title: 'Bad query', detail: badField(error) };
}
