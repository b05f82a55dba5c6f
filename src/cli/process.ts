import { type Command, Option } from 'commander';
import { pino } from 'pino';
import { configWarnings, loadConfig } from '../config.js';
import { GaveUp } from '../processor/retry.js';
import { startProcess } from '../runtime/process.js';
import { brokerKinds } from '../runtime/servers.js';
import { collect } from './options.js';
import { note, print, printJson } from './output.js';
import { type ServerFlags, serverOptions, serverOverrides } from './servers.js';
import { stopSignal } from './stop-signal.js';

interface ProcessFlags extends ServerFlags {
  config?: string;
  source: (typeof brokerKinds)[number];
  timedRecovery: boolean;
  failFast?: boolean;
  fresh?: boolean;
  set: string[];
  json?: boolean;
}

export function processCommand(program: Command): void {
  serverOptions(
    program
      .command('process')
      .summary('run one of any number of processors on a broker and Redis')
      .description(
        'Reads interactions and commands from NATS JetStream or Kafka, keeps the state in Redis and publishes what ' +
          'circuits do to the same broker. Run as many as there is work for: they share it, and each event counts once.',
      )
      .addOption(
        new Option('--source <broker>', 'where events come from and go to')
          .choices(brokerKinds)
          .makeOptionMandatory(),
      )
      .addOption(new Option('--store <store>', 'where the state is kept').choices(['redis']).default('redis'))
      .option('-c, --config <file>', 'config file, YAML or JSON (FULCRUM_CONFIG)'),
  )
    .option('--no-timed-recovery', 'circuits of silent pairs wait for an event (timedRecovery)')
    .option('--fail-fast', 'a server that is away at start is an error, instead of being waited for')
    .option('--fresh', 'begin without state, though events were acknowledged before')
    .option('--set <key=value>', 'any config key, e.g. --set redis.shards=32; repeatable', collect, [])
    .option('--json', 'print that it runs as JSON')
    .action(async (flags: ProcessFlags) => {
      const overrides = serverOverrides(
        flags,
        flags.set,
        flags.timedRecovery ? {} : { timedRecovery: false },
      );
      const loaded = loadConfig(flags.config ?? null, overrides);
      const logger = pino({ level: loaded.config.log.level, base: null }, pino.destination(2));
      for (const warning of configWarnings(loaded.config)) logger.warn(warning);
      const stopped = stopSignal();
      const giveUp = new AbortController();
      void stopped.then(() => giveUp.abort());
      const running = await startProcess({
        loaded,
        source: flags.source,
        failFast: flags.failFast === true,
        fresh: flags.fresh === true,
        logger,
        signal: giveUp.signal,
      }).catch((error: unknown) => {
        if (error instanceof GaveUp) return null;
        throw error;
      });
      if (running === null) return;
      if (flags.json === true) printJson({ source: flags.source, store: 'redis' });
      else print(`processing ${flags.source}, state in Redis (stop with Ctrl-C)`);
      try {
        await Promise.race([stopped, running.failed]);
        note('stopping: finishing what was taken');
      } finally {
        await running.stop();
      }
    });
}
