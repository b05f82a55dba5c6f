/** The composition root of `analyze` as a worker: one analyser among any number, on a broker. */
import type { Config, LoadedConfig } from '../config.js';
import { defaultHttpLimits } from '../http/api.js';
import { createHealthServer } from '../http/server.js';
import type { Broker } from '../ports.js';
import type { AnalysisStore } from '../rlm/ports.js';
import { MemoryAnalyses } from '../store/memory-analyses.js';
import { type AnalyserParts, type Analysing, startAnalysing } from './analysing.js';
import { listen, requestLogger } from './listen.js';
import { Opened } from './opened.js';
import { type BrokerKind, connectBroker, isBegun, openRedis } from './servers.js';
import { openTranscripts } from './transcript-store.js';
import { loggedStatus, loggedWeather, type Reach, reached, Troubles } from './weather.js';

export interface AnalyserRequest extends Reach {
  readonly loaded: LoadedConfig;
  readonly source: BrokerKind;
  /** Where analyses are kept beside the trust state; null: they are published alone. */
  readonly store: 'redis' | null;
  /** Where it says whether it is well; null: nowhere. */
  readonly http: Pick<Config['http'], 'host' | 'port'> | null;
}

export interface RunningAnalyser {
  /** Where it says whether it is well; null: nowhere. */
  readonly url: string | null;
  /** Rejects when the analyser fails in a way that trying again cannot mend. */
  readonly failed: Promise<never>;
  /** Reads no further, finishes what is under way. */
  stop(): Promise<void>;
}

export async function startAnalyser(request: AnalyserRequest): Promise<RunningAnalyser> {
  const { loaded, source, http, logger } = request;
  const { config } = loaded;
  const opened = new Opened();
  try {
    const starting = new Troubles(loggedWeather(logger));
    let analysing: Analysing | null = null;
    // First, for it says what is waited for at start, too.
    const troubled = () => analysing?.troubled() ?? ['work yet: it starts', ...starting.list];
    const health = createHealthServer({ troubled, limits: defaultHttpLimits }, requestLogger(logger));
    const url = http === null ? null : await listen(health, http, opened);
    const reach: Reach = { ...request, weather: starting };
    const broker = await reached(
      `connect to ${source}`,
      () => connectBroker(source, config, loggedStatus(logger)),
      reach,
    );
    opened.add(() => broker.close());
    const analyses = await openAnalyses(request, broker, reach, opened);
    analysing = await startAnalysing(
      await partsOnBroker(broker, analyses, config, reach, opened),
      config,
      logger,
      opened,
    );
    return { url, failed: analysing.failed, stop: () => opened.close() };
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
}

/** What an analyser of a broker's events stands on. */
export async function partsOnBroker(
  broker: Broker,
  analyses: AnalysisStore,
  config: Config,
  reach: Reach,
  opened: Opened,
): Promise<AnalyserParts> {
  const transcripts = await reached(
    'open the transcripts',
    () => openTranscripts(config, loggedStatus(reach.logger)),
    reach,
  );
  opened.add(() => transcripts.close());
  const consume = (channel: 'interactions' | 'circuits' | 'analyses') =>
    reached(`open the ${channel}`, () => broker.consume(channel, 'analysers'), reach);
  return {
    interactions: await consume('interactions'),
    circuits: await consume('circuits'),
    requests: await consume('analyses'),
    sink: broker.sink,
    transcripts,
    analyses,
    standing: () => broker.standing('interactions', 'analysers'),
  };
}

async function openAnalyses(
  { loaded, store, logger }: AnalyserRequest,
  broker: Broker,
  reach: Reach,
  opened: Opened,
): Promise<AnalysisStore> {
  if (store === null) return new MemoryAnalyses();
  // Whoever comes first lays the state out, be it this one.
  const begun = await reached('ask how far it is read', () => isBegun(broker), reach);
  const open = () => openRedis(loaded.config, loggedStatus(logger), !begun);
  const redis = await reached('connect to redis', open, reach);
  opened.add(() => redis.close());
  return redis.analyses;
}
