/** The composition root of `rebuild`: a state in Redis that is made anew from the logs of a broker. */
import type { Logger } from 'pino';
import { systemClock } from '../clock.js';
import type { ConfigOverrides, LoadedConfig } from '../config.js';
import { FulcrumError } from '../errors.js';
import { type RebuildProgress, type RebuildResult, rebuild } from '../recovery/rebuild.js';
import type { RedisStore } from '../store/redis/store.js';
import { Opened } from './opened.js';
import { leadsSoon } from './ownership.js';
import { type BrokerKind, connectBroker, openRedisToRebuild } from './servers.js';
import { sharedPolicies } from './shared-policies.js';
import { loggedStatus, loggedWeather } from './weather.js';

export interface RebuildRequest {
  readonly loaded: LoadedConfig;
  readonly overrides: ConfigOverrides;
  readonly source: BrokerKind;
  readonly logger: Logger;
  /** Ends it where it is. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RebuildProgress) => void;
}

export interface RebuiltState extends RebuildResult {
  /** It went on where an earlier rebuild had ended. */
  readonly wentOn: boolean;
  /** Keys that were there without the state that they were of. */
  readonly removedKeys: number;
  /** How long it took. */
  readonly seconds: number;
}

/** @throws FulcrumError `mismatch` where there is state, `store_in_use` where somebody works on it; GaveUp */
export async function rebuildState(request: RebuildRequest): Promise<RebuiltState> {
  const { loaded, source, logger, signal, onProgress } = request;
  const { config } = loaded;
  const startedAt = performance.now();
  const opened = new Opened();
  try {
    const broker = await connectBroker(source, config, loggedStatus(logger));
    opened.add(() => broker.close());
    const { store, place } = await openPlace(request, opened);
    const wentOn = place.goesOn;
    const removedKeys = await place.clear();
    const result = await rebuild({
      store,
      place,
      logs: broker,
      circuits: broker.sink,
      policies: await sharedPolicies(request, store, opened),
      clock: systemClock,
      limits: config.limits,
      timedRecovery: config.timedRecovery,
      maxBatch: config.processor.maxBatch,
      weather: loggedWeather(logger),
      signal,
      onProgress,
    });
    return { ...result, wentOn, removedKeys, seconds: (performance.now() - startedAt) / 1_000 };
  } finally {
    await opened.close();
  }
}

async function openPlace({ loaded, logger }: RebuildRequest, opened: Opened) {
  const store: RedisStore = await openRedisToRebuild(loaded.config, loggedStatus(logger));
  opened.add(() => store.close());
  const place = store.rebuilding;
  if (place === null) throw new RangeError('the store was not opened to be rebuilt');
  if (!(await place.hold()))
    throw new FulcrumError('store_in_use', 'another rebuild makes this state: wait until it ends');
  opened.add(() => place.release().catch(() => {}));
  // Processors that still ran when the state was lost notice within a second that it is rebuilt, and end.
  if (!(await leadsSoon(store)))
    throw new FulcrumError(
      'store_in_use',
      'a processor works on these keys and does not end by itself: stop it, and begin the rebuild again',
    );
  return { store, place };
}
