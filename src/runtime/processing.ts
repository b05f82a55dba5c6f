import type { Logger } from 'pino';
import { systemClock } from '../clock.js';
import type { Config } from '../config.js';
import { Processor, type ProcessorOptions } from '../processor/processor.js';
import type { Opened } from './opened.js';
import { loggedStatus, loggedWeather } from './weather.js';

/** What a processor reads, keeps and writes, opened. */
export type ProcessorParts = Pick<
  ProcessorOptions,
  'store' | 'interactions' | 'commands' | 'circuits' | 'deadLetters' | 'policies' | 'logs'
>;

export interface Processing {
  /** What it cannot do just now and tries again; empty when all is well. */
  troubled(): readonly string[];
  /** Rejects when the processor fails in a way that trying again cannot mend. */
  readonly failed: Promise<never>;
}

/** Starts a processor over its parts, by the config and the system's clock. */
export function startProcessor(
  parts: ProcessorParts,
  config: Config,
  logger: Logger,
  opened: Opened,
): Processing {
  const processor = new Processor({
    ...parts,
    clock: systemClock,
    limits: config.limits,
    timedRecovery: config.timedRecovery,
    maxBatch: config.processor.maxBatch,
    weather: loggedWeather(logger),
    onStatus: loggedStatus(logger),
  });
  const failed = processor.run().then(() => new Promise<never>(() => {}));
  failed.catch(() => {});
  opened.add(() => processor.stop());
  return { troubled: () => processor.troubled, failed };
}
