import { type Command, Option } from 'commander';
import { loadConfig } from '../config.js';
import { brokerKinds } from '../runtime/servers.js';
import { type ListenFlags, listenOptions, listenOverrides } from './listen.js';
import { collect } from './options.js';
import { print, printJson } from './output.js';
import { runUntilStopped, startLog } from './running.js';
import { type ServerFlags, serverOptions, serverOverrides } from './servers.js';

interface ProcessFlags extends ServerFlags, ListenFlags {
  config?: string;
  source: (typeof brokerKinds)[number];
  timedRecovery: boolean;
  failFast?: boolean;
  fresh?: boolean;
  set: string[];
  json?: boolean;
}

export function processCommand(program: Command): void {
  const command = program
    .command('process')
    .summary('run one of any number of processors on a broker and Redis')
    .description(
      'Reads interactions and commands from NATS JetStream or Kafka, keeps the state in Redis and publishes what ' +
        'circuits do to the same broker. Run as many as there is work for: they share it, and each event counts once. ' +
        'With --port or --host it says over HTTP whether it lives (/healthz) and can work (/readyz).',
    )
    .addOption(
      new Option('--source <broker>', 'where events come from and go to')
        .choices(brokerKinds)
        .makeOptionMandatory(),
    )
    .addOption(new Option('--store <store>', 'where the state is kept').choices(['redis']).default('redis'))
    .option('-c, --config <file>', 'config file, YAML or JSON (FULCRUM_CONFIG)');
  listenOptions(serverOptions(command))
    .option('--no-timed-recovery', 'circuits of silent pairs wait for an event (timedRecovery)')
    .option('--fail-fast', 'a server that is away at start is an error, instead of being waited for')
    .option('--fresh', 'begin without state, though events were acknowledged before')
    .option('--set <key=value>', 'any config key, e.g. --set redis.shards=32; repeatable', collect, [])
    .option('--json', 'print that it runs as JSON')
    .action(async (flags: ProcessFlags) => {
      const recovery = flags.timedRecovery ? {} : { timedRecovery: false };
      const overrides = serverOverrides(flags, [...flags.set, ...listenOverrides(flags)], recovery);
      const loaded = loadConfig(flags.config ?? null, overrides);
      const logger = startLog(loaded);
      const { source, failFast = false, fresh = false } = flags;
      // The config always has a port, which `up` uses too: here only a flag asks for a listener.
      const http = flags.port === undefined && flags.host === undefined ? null : loaded.config.http;
      const { startProcess } = await import('../runtime/process.js');
      await runUntilStopped(
        (signal) => startProcess({ loaded, source, failFast, fresh, http, logger, signal }),
        ({ url }) => {
          if (flags.json === true) printJson({ source, store: 'redis', ...(url === null ? {} : { url }) });
          else {
            const health = url === null ? '' : `, readiness at ${url}/readyz`;
            print(`processing ${source}, state in Redis${health} (stop with Ctrl-C)`);
          }
        },
      );
    });
}
