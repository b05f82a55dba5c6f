import type { FastifyInstance } from 'fastify';
import { requestToSend } from '../client/analysis.js';
import { isRejection } from '../events/envelope.js';
import { type AnalysisAnswer, type AskedAnalysis, analysisData } from '../rlm/analysis-record.js';
import { makePairId } from '../trust/pair.js';
import type { ApiParts } from './api.js';
import { badQuery, pairQuery } from './circuits.js';
import { readCommand } from './commands.js';
import { bodyOf } from './interactions.js';
import { sendProblem } from './problem.js';

/** How long a request waits for its analysis, in ms. */
const answerWithinMs = 10_000;

/**
 * `POST /v1/analyses`: {tenant?, agent_a, agent_b, session_id?}. 200 has the analysis; 202 says that the request is kept, and
 * its analysis not there yet. `GET /v1/analyses`: the last one of a pair.
 */
export function analysisRoutes(server: FastifyInstance, parts: ApiParts): void {
  server.post('/v1/analyses', async (request, reply) => {
    if (parts.analyze === null)
      return sendProblem(reply, {
        status: 501,
        title: 'No analyser',
        detail: 'this process keeps no transcripts: start it with analysis.enabled=true',
      });
    const command = readCommand(bodyOf(request), parts.clock());
    if ('status' in command) return sendProblem(reply, command);
    const asked = requestToSend(command.body, parts.eventLimits, parts.clock());
    if (isRejection(asked)) {
      const detail = `${asked.field} ${asked.rule}`.trim();
      const errors = [{ index: 0, ...asked }];
      return sendProblem(reply, { status: 400, title: 'The request was not accepted', detail, errors });
    }
    const { analysisId: id, tenant, names } = asked;
    const latest = await parts.analyses.latest(tenant, names.pairId);
    // A request that is sent again was answered before.
    const analysis =
      latest?.result.id === id ? analysisData(latest, names) : await parts.analyze(asked, answerWithinMs);
    const answer: AskedAnalysis = { id, analysis };
    return reply.code(analysis === null ? 202 : 200).send(answer);
  });

  server.get('/v1/analyses', async (request, reply) => {
    const query = pairQuery.safeParse(request.query);
    if (!query.success) return sendProblem(reply, badQuery(query.error));
    const { tenant, agent_a: agentA, agent_b: agentB } = query.data;
    const analysis = await parts.analyses.latest(tenant, makePairId(agentA, agentB));
    if (analysis === null)
      return sendProblem(reply, {
        status: 404,
        title: 'No analysis',
        detail: `there is no analysis of ${agentA} and ${agentB} in tenant ${tenant}`,
      });
    const answer: AnalysisAnswer = { analysis: analysisData(analysis, { agentA, agentB }) };
    return answer;
  });
}
