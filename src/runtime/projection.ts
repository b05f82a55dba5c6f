/** The composition of projections: what the config wants of them, and the parts that do it. */
import type { Logger } from 'pino';
import { systemClock } from '../clock.js';
import { natsOptions, redisOptions } from '../config/servers.js';
import type { Config } from '../config.js';
import { messageOf } from '../errors.js';
import type { AgentEvent, AgentKeysFound, AgentTelemetry, Broker } from '../ports.js';
import { Projector, type ProjectorCounts } from '../projections/projector.js';
import { GaveUp, untilDone } from '../retry.js';
import type { RedisConnection } from '../store/redis/connection.js';
import { openProjectionRedis, refuseCluster } from '../store/redis/projection.js';
import { NatsTelemetry } from '../streams/nats/telemetry.js';
import { Opened } from './opened.js';
import type { BrokerKind } from './servers.js';
import { loggedStatus, loggedWeather } from './weather.js';

/** What is projected of one process's events. */
export interface ProjectionPlan {
  readonly tenant: string;
  /** Where the keys of agents are; null: none are written. */
  readonly keys: RedisConnection | null;
  readonly telemetry: boolean;
}

/**
 * @param source whose circuit events are projected: with NATS there is telemetry unless the config says otherwise.
 * @throws FulcrumError `config` when the keys would be in a Redis Cluster
 */
export function planProjection(config: Config, source: BrokerKind): ProjectionPlan {
  const { tenant, agentKeys, telemetry } = config.projection;
  return {
    tenant,
    keys: agentKeys ? keysConnection(config) : null,
    telemetry: telemetry ?? source === 'nats',
  };
}

/** Where the keys of agents are. @throws FulcrumError `config` when that is a Redis Cluster */
export function keysConnection(config: Config): RedisConnection {
  const { redisUrl } = config.projection;
  const { url, tls } = redisOptions(config);
  refuseCluster(redisUrl ?? url, redisUrl === null ? 'redis.url' : 'projection.redisUrl');
  return { url: redisUrl ?? url, ...(tls === undefined ? {} : { tls }) };
}

export interface Projection {
  /** Of this process alone: others may be the one that projects. */
  counts(): ProjectorCounts;
}

/** Projects in the background: no server that it lacks keeps the processor from its work. */
export function startProjection(
  plan: ProjectionPlan,
  { config, broker, logger }: { config: Config; broker: Broker; logger: Logger },
  opened: Opened,
): Projection {
  const none: ProjectorCounts = { projecting: false, foreignWrites: 0, pairs: 0 };
  if (plan.keys === null && !plan.telemetry) return { counts: () => none };
  const own = new Opened();
  const stopped = new AbortController();
  const must = <T>(what: string, work: () => Promise<T>): Promise<T> =>
    untilDone(what, work, stopped.signal, loggedWeather(logger));
  let projector: Projector | null = null;
  const project = async (): Promise<void> => {
    const redis = await must('connect to redis for projections', () =>
      openProjectionRedis({ state: redisOptions(config), keys: plan.keys, onStatus: loggedStatus(logger) }),
    );
    own.add(() => redis.close());
    const telemetry = plan.telemetry ? lateTelemetry(config, logger, must, own) : null;
    projector = new Projector({
      tenant: plan.tenant,
      follow: () => broker.follow('circuits', 'start', plan.tenant),
      lease: redis.lease,
      keys: redis.keys,
      telemetry,
      clock: systemClock,
      weather: loggedWeather(logger),
      onProjecting: () => logger.info({ tenant: plan.tenant }, 'this process projects agents'),
      onForeignWrites: loggedForeignWrites(logger),
    });
    await projector.run();
  };
  const running = project().catch((error: unknown) => {
    if (!(error instanceof GaveUp))
      logger.error({ reason: messageOf(error) }, 'agents are not projected any more');
  });
  opened.add(async () => {
    await projector?.stop();
    stopped.abort();
    await running;
    await own.close();
  });
  return { counts: () => projector?.counts ?? none };
}

/** Telemetry that begins when its server is there; what is told before that is told to nobody. */
function lateTelemetry(
  config: Config,
  logger: Logger,
  must: <T>(what: string, work: () => Promise<T>) => Promise<T>,
  opened: Opened,
): AgentTelemetry {
  let connected: NatsTelemetry | null = null;
  void must('connect to nats for telemetry', () =>
    NatsTelemetry.connect(natsOptions(config), loggedStatus(logger)),
  ).then(
    (telemetry) => {
      connected = telemetry;
    },
    () => {},
  );
  opened.add(() => connected?.close());
  return { publish: (event: AgentEvent) => connected?.publish(event) };
}

/** Who fights over a key does so every few seconds: told at most so often, in ms. */
const toldEveryMs = 60_000;

function loggedForeignWrites(logger: Logger): (found: readonly AgentKeysFound[]) => void {
  let untold = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  return (found) => {
    untold += found.length;
    if (performance.now() - toldAt < toldEveryMs) return;
    toldAt = performance.now();
    logger.warn(
      { agents: untold, first: found[0] },
      'another process wrote keys of agents: they were put right',
    );
    untold = 0;
  };
}
