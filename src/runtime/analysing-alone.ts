/** The analyser of an `up` without a broker: in the same process, over topics of its own. */
import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { RequestToSend } from '../client/analysis.js';
import { systemClock, systemTimers } from '../clock.js';
import type { Config } from '../config.js';
import type { AnalysisData } from '../events/schemas.js';
import type { EventSink, LogSource, SinkMessage } from '../ports.js';
import { analysisData } from '../rlm/analysis-record.js';
import type { AnalysisStore, StoredAnalysis } from '../rlm/ports.js';
import { MemoryTopic } from '../streams/memory.js';
import type { Alone } from './alone.js';
import type { AnalyserParts } from './analysing.js';
import type { Opened } from './opened.js';
import { overheard } from './overheard.js';
import { openTranscripts } from './transcript-store.js';
import { loggedStatus } from './weather.js';

export interface AnalysedAlone {
  /** In the place of the interactions: what is read of it the analyser hears too. */
  readonly interactions: LogSource;
  readonly parts: AnalyserParts;
  /** Null: it is not made within that time. */
  analyze(request: RequestToSend, withinMs: number): Promise<AnalysisData | null>;
}

export async function analysedAlone(
  alone: Alone,
  config: Config,
  logger: Logger,
  opened: Opened,
): Promise<AnalysedAlone> {
  const transcripts = await openTranscripts(config, loggedStatus(logger));
  opened.add(() => transcripts.close());
  const topic = (name: string): MemoryTopic => new MemoryTopic({ name, clock: systemClock });
  const heard = topic(alone.interactions.name);
  const circuits = topic('circuits');
  const requests = topic('analyses');
  const kept = new EventEmitter().setMaxListeners(0);
  // A topic that is closed takes no more; the process ends then.
  const hand = ({ body, headers }: SinkMessage) => void circuits.send([{ body, headers }]).catch(() => {});
  opened.add(alone.circuits.subscribe(hand));
  return {
    interactions: overheard(alone.interactions, heard, () =>
      logger.warn('the analyser falls behind: some of what agents say is not kept'),
    ),
    parts: {
      interactions: heard,
      circuits,
      requests,
      sink: sinkOf(alone),
      transcripts,
      analyses: telling(alone.analyses, kept),
      standing: async () =>
        heard.progress().map(({ source, acknowledged, last }) => ({
          source,
          acknowledged,
          delivered: last,
          last,
        })),
    },
    analyze: (request, withinMs) => ask(requests, kept, request, withinMs),
  };
}

/** Outcomes go to the interactions, dead letters to where they all are; results are told of when they are kept. */
function sinkOf({ interactions, deadLetters }: Alone): EventSink {
  return {
    publish: async (messages) => {
      for (const message of messages) {
        if (message.channel === 'interactions') await interactions.send([message]);
        else if (message.channel !== 'analyses') await deadLetters.publish([message]);
      }
    },
  };
}

/** Tells of each analysis under its id, not before it is kept: what was answered is there after a crash. */
function telling(analyses: AnalysisStore, kept: EventEmitter): AnalysisStore {
  return {
    keep: async (analysis) => {
      await analyses.keep(analysis);
      kept.emit(analysis.result.id, analysis);
    },
    latest: (tenant, pairId) => analyses.latest(tenant, pairId),
    isMade: (tenant, pairId, analysisId) => analyses.isMade(tenant, pairId, analysisId),
  };
}

async function ask(
  requests: MemoryTopic,
  kept: EventEmitter,
  { analysisId, names, message: { body, headers } }: RequestToSend,
  withinMs: number,
): Promise<AnalysisData | null> {
  const waited = new AbortController();
  let told = (_: StoredAnalysis): void => {};
  const result = new Promise<AnalysisData>((resolve) => {
    told = (analysis) => resolve(analysisData(analysis, names));
  });
  kept.on(analysisId, told);
  try {
    await requests.send([{ body, headers }]);
    return await Promise.race([result, systemTimers.sleep(withinMs, waited.signal).then(() => null)]);
  } finally {
    waited.abort();
    kept.off(analysisId, told);
  }
}
