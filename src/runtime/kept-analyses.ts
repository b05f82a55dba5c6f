import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import { analysisOf } from '../events/analysis.js';
import type { Broker, EventSource } from '../ports.js';
import { GaveUp, untilDone } from '../retry.js';
import type { AnalysisStore } from '../rlm/ports.js';
import type { Opened } from './opened.js';
import { loggedWeather } from './weather.js';

const readAtATime = 500;
const waitMs = 500;

/**
 * Keeps what the analysers of a broker find, in the store of this process. It goes on beside all else: a user who may not
 * read analyses is told once, and works on without them.
 */
export function keepAnalyses(
  broker: Pick<Broker, 'follow'>,
  analyses: AnalysisStore,
  logger: Logger,
  opened: Opened,
): void {
  const stopped = new AbortController();
  const must = <T>(what: string, work: () => T | Promise<T>): Promise<T> =>
    untilDone(what, work, stopped.signal, loggedWeather(logger));
  let source: EventSource | null = null;
  const keep = async (): Promise<void> => {
    source = await broker.follow('analyses', 'last');
    await keepAll(source, analyses, must);
  };
  const kept = keep().catch((error: unknown) => {
    if (!(error instanceof GaveUp)) logger.warn(`analyses are not kept here: ${messageOf(error)}`);
  });
  opened.add(async () => {
    stopped.abort();
    await source?.close();
    await kept;
  });
}

async function keepAll(
  source: EventSource,
  analyses: AnalysisStore,
  must: <T>(what: string, work: () => T | Promise<T>) => Promise<T>,
): Promise<void> {
  for (;;) {
    const batch = await must('follow the analyses', () => source.read(readAtATime, waitMs));
    if (batch === null) return;
    for (const message of batch.messages) {
      const analysis = analysisOf(message);
      if (analysis === null) continue;
      const {
        tenant,
        pair_id: pairId,
        agent_a,
        agent_b,
        session_id: session,
        asked_by: askedBy,
        at,
        ...result
      } = analysis;
      await must('keep an analysis', () => analyses.keep({ tenant, pairId, session, askedBy, at, result }));
    }
  }
}
