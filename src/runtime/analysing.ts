import type { Logger } from 'pino';
import { systemClock } from '../clock.js';
import type { Config } from '../config.js';
import { Analyser, type AnalyserOptions } from '../rlm/worker/analyser.js';
import { analyzerOf } from './analysis.js';
import type { Opened } from './opened.js';
import { loggedStatus, loggedWeather, Troubles } from './weather.js';

/** What an analyser reads, keeps and writes, opened. */
export type AnalyserParts = Pick<
  AnalyserOptions,
  'interactions' | 'circuits' | 'requests' | 'sink' | 'transcripts' | 'analyses' | 'standing'
>;

export interface Analysing {
  /** What it cannot do just now and tries again; empty when all is well. */
  troubled(): readonly string[];
  /** Rejects when the analyser fails in a way that trying again cannot mend. */
  readonly failed: Promise<never>;
}

/** Starts an analyser over its parts, by the config and the system's clock. */
export async function startAnalysing(
  parts: AnalyserParts,
  config: Config,
  logger: Logger,
  opened: Opened,
): Promise<Analysing> {
  const { atOnce, catchUpSeconds, feedback } = config.analysis;
  const troubles = new Troubles(loggedWeather(logger));
  const analyser = new Analyser({
    ...parts,
    analyze: await analyzerOf(config),
    clock: systemClock,
    limits: config.limits,
    atOnce,
    catchUpMs: catchUpSeconds * 1_000,
    feedback: feedback.enabled ? feedback : null,
    weather: troubles,
    onStatus: loggedStatus(logger),
  });
  const failed = analyser.run().then(() => new Promise<never>(() => {}));
  failed.catch(() => {});
  opened.add(() => analyser.stop());
  return { troubled: () => troubles.list, failed };
}
