/** The composition root of `up`: config in, running parts out; what was opened last is closed first. */
import { requestAnalysis } from '../client/analysis.js';
import { systemClock } from '../clock.js';
import { type ApiParts, defaultHttpLimits, type HealthParts } from '../http/api.js';
import { commandIntake } from '../http/intake.js';
import { createServer } from '../http/server.js';
import type { Broker, Probes } from '../ports.js';
import { GaveUp, untilDone } from '../retry.js';
import type { AnalysisStore } from '../rlm/ports.js';
import { MemorySink } from '../streams/memory.js';
import { openAlone } from './alone.js';
import { partsOnBroker } from './analyser.js';
import { type AnalyserParts, startAnalysing } from './analysing.js';
import { analysedAlone } from './analysing-alone.js';
import { type FleetRequest, openFleet, partsOf } from './fleet.js';
import { keepAnalyses } from './kept-analyses.js';
import { listen, requestLogger } from './listen.js';
import { BrokerIntake, commandThrough, passOn } from './on-broker.js';
import { Opened } from './opened.js';
import { type ProcessorParts, startProcessor } from './processing.js';
import { planProjection, startProjection } from './projection.js';
import type { BrokerKind } from './servers.js';
import { loggedWeather, reached, Troubles } from './weather.js';

export interface UpRequest extends Omit<FleetRequest, 'source'> {
  /** Where events come from and go to: a broker, or HTTP alone. */
  readonly source: BrokerKind | 'http';
}

export interface Running {
  /** Where the API listens. */
  readonly url: string;
  /** Rejects when a part fails in a way that trying again cannot mend. */
  readonly failed: Promise<never>;
  /** Takes nothing more in, finishes what was taken, closes the store. */
  stop(): Promise<void>;
}

/** Everything in this process: HTTP in, a processor, server-sent events out. */
export async function startUp(request: UpRequest): Promise<Running> {
  const { loaded, logger } = request;
  const { config } = loaded;
  const opened = new Opened();
  try {
    const way = await openWay(request, opened);
    const { store, policies } = way.parts;
    // Before the processor, so that it is stopped after it and hears the last of what that reads.
    const analysing =
      way.analyser === null ? null : await startAnalysing(way.analyser, config, logger, opened);
    const processing = startProcessor(way.parts, config, logger, opened);
    const health: HealthParts = {
      troubled: () => [...processing.troubled(), ...way.troubled(), ...(analysing?.troubled() ?? [])],
      limits: { ...defaultHttpLimits, maxBodyBytes: config.http.maxBodyBytes },
    };
    const api: ApiParts = {
      ...health,
      ...way.doors(health),
      store,
      analyses: way.analyses,
      analyze: way.analyze,
      eventLimits: config.limits,
      probes: way.probes,
      onCircuit: (listener) => way.circuits.subscribe(listener),
      policyOf: (...pair) => policies().policyOf(...pair),
      timedRecovery: config.timedRecovery,
      clock: systemClock,
    };
    const url = await listen(createServer(api, requestLogger(logger)), config.http, opened);
    const failed = Promise.race([
      processing.failed,
      way.failed,
      ...(analysing === null ? [] : [analysing.failed]),
    ]);
    failed.catch(() => {});
    return { url, failed, stop: () => opened.close() };
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
}

/** What differs by where events come from and go to. */
interface Way {
  readonly parts: ProcessorParts;
  /** What circuits do, for those who listen here. */
  readonly circuits: MemorySink;
  readonly analyses: AnalysisStore;
  /** Null: this process is no analyser. */
  readonly analyser: AnalyserParts | null;
  readonly analyze: ApiParts['analyze'];
  /** Where all clients of the fleet agree on who probes, whatever way they take. */
  readonly probes: Probes;
  doors(health: HealthParts): Pick<ApiParts, 'interactions' | 'commands'>;
  troubled(): readonly string[];
  readonly failed: Promise<never>;
}

function openWay(request: UpRequest, opened: Opened): Promise<Way> {
  const { source } = request;
  return source === 'http' ? openHttpWay(request, opened) : openBrokerWay({ ...request, source }, opened);
}

async function openHttpWay(request: UpRequest, opened: Opened): Promise<Way> {
  const { loaded, logger, store } = request;
  const alone = await openAlone(request, opened);
  const { interactions, commands, circuits } = alone;
  const analyses = loaded.config.analysis.enabled ?? store === 'folder';
  const analysed = analyses ? await analysedAlone(alone, loaded.config, logger, opened) : null;
  return {
    parts: { ...alone, interactions: [analysed?.interactions ?? interactions] },
    circuits,
    analyses: alone.analyses,
    analyser: analysed?.parts ?? null,
    analyze: analysed?.analyze ?? null,
    probes: alone.probes,
    doors: (health) => ({ interactions, commands: commandIntake(health, commands) }),
    troubled: () => [],
    failed: new Promise(() => {}),
  };
}

async function openBrokerWay(request: FleetRequest, opened: Opened): Promise<Way> {
  const { config } = request.loaded;
  const plan = request.store === 'redis' ? planProjection(config, request.source) : null;
  const fleet = await openFleet(request, opened);
  const { broker, interactions, store } = fleet;
  if (plan !== null) startProjection(plan, { config, broker, logger: request.logger }, opened);
  const circuits = new MemorySink();
  const following = await follow(broker, circuits, request, opened);
  // In Redis the analysers keep them themselves.
  if (request.store === 'folder') keepAnalyses(broker, fleet.analyses, request.logger, opened);
  const analyser =
    config.analysis.enabled === true
      ? await partsOnBroker(broker, fleet.analyses, config, request, opened)
      : null;
  const options = {
    broker,
    headerPrefix: interactions.headerPrefix,
    limits: config.limits,
    clock: systemClock,
  };
  return {
    parts: partsOf(fleet),
    circuits,
    analyses: fleet.analyses,
    analyser,
    analyze: (asked, withinMs) => requestAnalysis(broker, asked, withinMs),
    probes: broker.probes ?? fleet.probes,
    doors: () => ({
      interactions: new BrokerIntake(options),
      commands: (command) => commandThrough(options, store, command),
    }),
    ...following,
  };
}

/** Follows what the circuits of all processors do, from now on. */
async function follow(
  broker: Broker,
  circuits: MemorySink,
  request: FleetRequest,
  opened: Opened,
): Promise<Pick<Way, 'troubled' | 'failed'>> {
  const source = await reached('follow the circuits', () => broker.follow('circuits', 'now'), request);
  const stopped = new AbortController();
  const troubles = new Troubles(loggedWeather(request.logger));
  const must = <T>(what: string, work: () => Promise<T>): Promise<T> =>
    untilDone(what, work, stopped.signal, troubles);
  const failed = passOn(source, circuits, must)
    .catch((error: unknown) => {
      if (!(error instanceof GaveUp)) throw error;
    })
    .then(() => new Promise<never>(() => {}));
  failed.catch(() => {});
  opened.add(() => source.close());
  opened.add(() => stopped.abort());
  return { troubled: () => troubles.list, failed };
}
