/** The composition root of `process`: one processor among any number, on a broker and a shared store. */
import type { Logger } from 'pino';
import { systemClock } from '../clock.js';
import type { LoadedConfig } from '../config.js';
import { Processor } from '../processor/processor.js';
import { Opened } from './opened.js';
import { type Projection, planProjection, startProjection } from './projection.js';
import { type BrokerKind, connectBroker, isBegun, openRedis } from './servers.js';
import { sharedPolicies } from './shared-policies.js';
import { loggedStatus, loggedWeather, reached } from './weather.js';

export interface ProcessRequest {
  readonly loaded: LoadedConfig;
  readonly source: BrokerKind;
  /** A server that is away at start is an error, instead of being waited for. */
  readonly failFast: boolean;
  /** Begin without state though events were acknowledged. */
  readonly fresh: boolean;
  readonly logger: Logger;
  /** Ends waiting for servers that are away at start. */
  readonly signal: AbortSignal;
}

export interface RunningProcessor {
  /** Rejects when the processor fails in a way that trying again cannot mend. */
  readonly failed: Promise<never>;
  readonly projection: Projection;
  /** Reads no further, finishes what was read, leaves the group. */
  stop(): Promise<void>;
}

export async function startProcess(request: ProcessRequest): Promise<RunningProcessor> {
  const { loaded, source, fresh, logger } = request;
  const { config } = loaded;
  const plan = planProjection(config, source);
  const opened = new Opened();
  try {
    const onStatus = loggedStatus(logger);
    const reach = <T>(what: string, work: () => Promise<T>) => reached(what, work, request);
    const broker = await reach(`connect to ${source}`, () => connectBroker(source, config, onStatus));
    opened.add(() => broker.close());
    const interactions = await reach('open the interactions', () => broker.consume('interactions'));
    const commands = await reach('open the commands', () => broker.consume('commands'));
    const begun = !fresh && (await reach('ask how far it is read', () => isBegun(interactions)));
    const store = await reach('connect to redis', () => openRedis(config, onStatus, !begun));
    opened.add(() => store.close());
    const policies = await sharedPolicies(loaded, store, logger, opened);
    // Before the processor, so that it is stopped after it and projects what that publishes last.
    const projection = startProjection(plan, { config, broker, logger }, opened);
    const processor = new Processor({
      store,
      interactions: [interactions],
      commands,
      circuits: broker.sink,
      deadLetters: broker.sink,
      policies,
      clock: systemClock,
      limits: config.limits,
      timedRecovery: config.timedRecovery,
      maxBatch: config.processor.maxBatch,
      weather: loggedWeather(logger),
    });
    const failed = processor.run().then(() => new Promise<never>(() => {}));
    failed.catch(() => {});
    opened.add(() => processor.stop());
    return { failed, projection, stop: () => opened.close() };
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
}
