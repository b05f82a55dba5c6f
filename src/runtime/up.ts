/** The composition root of `up`: config in, running parts out; what was opened last is closed first. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { systemClock } from '../clock.js';
import type { ConfigOverrides, LoadedConfig } from '../config.js';
import { FulcrumError, messageOf } from '../errors.js';
import { defaultHttpLimits } from '../http/api.js';
import { createServer } from '../http/server.js';
import { Processor } from '../processor/processor.js';
import { EmbeddedStore } from '../store/embedded/store.js';
import { FileSink } from '../streams/file.js';
import { MemorySink, MemoryTopic } from '../streams/memory.js';
import { livePolicies } from './live-policies.js';
import { Opened } from './opened.js';
import { loggedWeather } from './weather.js';

export interface Running {
  /** Where the API listens. */
  readonly url: string;
  /** Rejects when the processor fails in a way that trying again cannot mend. */
  readonly failed: Promise<never>;
  /** Takes nothing more in, finishes what was taken, closes the store. */
  stop(): Promise<void>;
}

/** Everything in this process: HTTP in, embedded store, server-sent events out. */
export async function startUp(
  loaded: LoadedConfig,
  overrides: ConfigOverrides,
  logger: Logger,
): Promise<Running> {
  const { config } = loaded;
  const opened = new Opened();
  try {
    const store = await EmbeddedStore.open(config.dataDir);
    opened.add(() => store.close());
    const policies = livePolicies(loaded, overrides, logger, opened);
    const topic = (name: string): MemoryTopic =>
      new MemoryTopic({ name, clock: systemClock, firstSequence: store.lastApplied(name) + 1 });
    const interactions = topic('http-interactions');
    const commands = topic('http-commands');
    const circuits = new MemorySink();
    const processor = new Processor({
      store,
      interactions: [interactions],
      commands,
      circuits,
      deadLetters: new FileSink(join(config.dataDir, 'dead-letters.ndjson')),
      policies,
      clock: systemClock,
      limits: config.limits,
      timedRecovery: config.timedRecovery,
      maxBatch: config.processor.maxBatch,
      weather: loggedWeather(logger),
    });
    const running = processor.run();
    opened.add(() => processor.stop());
    const server = createServer(
      {
        interactions,
        commands,
        store,
        onCircuit: (listener) => circuits.subscribe(listener),
        policyOf: (...pair) => policies().policyOf(...pair),
        timedRecovery: config.timedRecovery,
        clock: systemClock,
        troubled: () => processor.troubled,
        limits: { ...defaultHttpLimits, maxBodyBytes: config.http.maxBodyBytes },
      },
      // It logs every request at info; normal operation says nothing.
      logger.child({}, { level: logger.isLevelEnabled('warn') ? 'warn' : logger.level }),
    );
    opened.add(() => server.close());
    const url = await server
      .listen({ host: config.http.host, port: config.http.port })
      .catch((cause: unknown) => {
        throw new FulcrumError(
          'config',
          `cannot listen on ${config.http.host}:${config.http.port}: ${messageOf(cause)}`,
          { cause },
        );
      });
    const failed = running.then(() => new Promise<never>(() => {}));
    failed.catch(() => {});
    return { url, failed, stop: () => opened.close() };
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
}
