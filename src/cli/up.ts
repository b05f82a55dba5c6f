import type { Command } from 'commander';
import { pino } from 'pino';
import { type ConfigOverrides, configWarnings, loadConfig, overridesOf } from '../config.js';
import { startUp } from '../runtime/up.js';
import { collect } from './options.js';
import { note, print, printJson } from './output.js';
import { stopSignal } from './stop-signal.js';

interface UpFlags {
  config?: string;
  data?: string;
  host?: string;
  port?: number;
  timedRecovery: boolean;
  set: string[];
  json?: boolean;
}

export function upCommand(program: Command): void {
  program
    .command('up')
    .summary('run everything in this process: HTTP in, circuit events out')
    .description(
      'Runs the whole processor in one process, with the state in a data folder and no server to install. ' +
        'Agents post interactions to /v1/interactions and read circuit events from /v1/circuits/stream.',
    )
    .option('-c, --config <file>', 'config file, YAML or JSON (FULCRUM_CONFIG)')
    .option('-d, --data <folder>', 'data folder (dataDir)')
    .option('--host <address>', 'address to listen on (http.host)')
    .option('-p, --port <number>', 'port to listen on, 0 for a free one (http.port)', Number)
    .option('--no-timed-recovery', 'circuits of silent pairs wait for an event (timedRecovery)')
    .option('--set <key=value>', 'any config key, e.g. --set trust.threshold=0.4; repeatable', collect, [])
    .option('--json', 'print where it listens as JSON')
    .addHelpText(
      'after',
      `
Try it:
  $ fulcrum-trust up --data ./trust &
  $ curl -X POST localhost:4747/v1/interactions -H 'content-type: application/json' \\
      -d '{"agent_a":"planner","agent_b":"coder","outcome":"failure"}'
  $ fulcrum-trust watch`,
    )
    .action(async (flags: UpFlags) => {
      const overrides = upOverrides(flags);
      const loaded = loadConfig(flags.config ?? null, overrides);
      const logger = pino({ level: loaded.config.log.level, base: null }, pino.destination(2));
      for (const warning of configWarnings(loaded.config)) logger.warn(warning);
      const running = await startUp(loaded, overrides, logger);
      if (flags.json === true) printJson({ url: running.url, dataDir: loaded.config.dataDir });
      else print(`listening on ${running.url}, state in ${loaded.config.dataDir} (stop with Ctrl-C)`);
      try {
        await Promise.race([stopSignal(), running.failed]);
        note('stopping: finishing what was taken');
      } finally {
        await running.stop();
      }
    });
}

function upOverrides(flags: UpFlags): ConfigOverrides {
  const http = {
    ...(flags.host === undefined ? {} : { host: flags.host }),
    ...(flags.port === undefined ? {} : { port: flags.port }),
  };
  const set = overridesOf(flags.set) as { http?: object };
  return {
    ...set,
    ...(flags.data === undefined ? {} : { dataDir: flags.data }),
    ...(flags.timedRecovery ? {} : { timedRecovery: false }),
    ...(Object.keys(http).length === 0 ? {} : { http: { ...set.http, ...http } }),
  };
}
