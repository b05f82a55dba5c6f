/** The composition root of `process`: one processor among any number, on a broker and a shared store. */
import type { Config } from '../config.js';
import { defaultHttpLimits } from '../http/api.js';
import { createHealthServer } from '../http/server.js';
import { type FleetRequest, openFleet, partsOf } from './fleet.js';
import { listen, requestLogger } from './listen.js';
import { Opened } from './opened.js';
import { type Processing, startProcessor } from './processing.js';
import { type Projection, planProjection, startProjection } from './projection.js';
import { loggedWeather, Troubles } from './weather.js';

export interface ProcessRequest extends Omit<FleetRequest, 'store' | 'overrides'> {
  /** Where it says whether it is well; null: nowhere. */
  readonly http: Pick<Config['http'], 'host' | 'port'> | null;
}

export interface RunningProcessor {
  /** Where it says whether it is well; null: nowhere. */
  readonly url: string | null;
  /** Rejects when the processor fails in a way that trying again cannot mend. */
  readonly failed: Promise<never>;
  readonly projection: Projection;
  /** Reads no further, finishes what was read, leaves the group. */
  stop(): Promise<void>;
}

export async function startProcess(request: ProcessRequest): Promise<RunningProcessor> {
  const { loaded, source, http, logger } = request;
  const { config } = loaded;
  const plan = planProjection(config, source);
  const opened = new Opened();
  try {
    const starting = new Troubles(loggedWeather(logger));
    let processing: Processing | null = null;
    // First, for it says what is waited for at start, too.
    const troubled = () => processing?.troubled() ?? ['work yet: it starts', ...starting.list];
    const health = createHealthServer({ troubled, limits: defaultHttpLimits }, requestLogger(logger));
    const url = http === null ? null : await listen(health, http, opened);
    const fleet = await openFleet({ ...request, overrides: {}, store: 'redis', weather: starting }, opened);
    // Before the processor, so that it is stopped after it and projects what that publishes last.
    const projection = startProjection(plan, { config, broker: fleet.broker, logger }, opened);
    processing = startProcessor(partsOf(fleet), config, logger, opened);
    return { url, failed: processing.failed, projection, stop: () => opened.close() };
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
}
