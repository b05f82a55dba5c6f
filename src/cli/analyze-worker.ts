/** `analyze` alone: an analyser of a fleet. */
import type { LoadedConfig } from '../config.js';
import { startAnalyser } from '../runtime/analyser.js';
import type { BrokerKind } from '../runtime/servers.js';
import type { ListenFlags } from './listen.js';
import { print, printJson } from './output.js';
import { runUntilStopped, startLog } from './running.js';

export interface WorkerFlags extends ListenFlags {
  readonly redis?: string;
  readonly failFast?: boolean;
  readonly json?: boolean;
}

export async function runAnalyser(
  source: BrokerKind,
  loaded: LoadedConfig,
  flags: WorkerFlags,
): Promise<void> {
  const logger = startLog(loaded);
  const store = flags.redis === undefined ? null : 'redis';
  const { failFast = false } = flags;
  // The config always has a port, which `up` uses too: here only a flag asks for a listener.
  const http = flags.port === undefined && flags.host === undefined ? null : loaded.config.http;
  await runUntilStopped(
    (signal) => startAnalyser({ loaded, source, store, failFast, http, logger, signal }),
    ({ url }) => {
      if (flags.json === true) printJson({ source, store, ...(url === null ? {} : { url }) });
      else {
        const kept = store === null ? 'results go to the broker alone' : 'results also in Redis';
        const health = url === null ? '' : `, readiness at ${url}/readyz`;
        print(`analysing ${source}, ${kept}${health} (stop with Ctrl-C)`);
      }
    },
  );
}
