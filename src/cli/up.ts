import type { Command } from 'commander';
import { type Config, loadConfig } from '../config.js';
import { FulcrumError } from '../errors.js';
import type { UpRequest } from '../runtime/up.js';
import { type ListenFlags, listenOptions, listenOverrides } from './listen.js';
import { collect } from './options.js';
import { print, printJson } from './output.js';
import { brokerOf } from './remote.js';
import { runUntilStopped, startLog } from './running.js';
import { type ServerFlags, serverOptions, serverOverrides } from './servers.js';

interface UpFlags extends ServerFlags, ListenFlags {
  config?: string;
  data?: string;
  timedRecovery: boolean;
  failFast?: boolean;
  fresh?: boolean;
  set: string[];
  json?: boolean;
}

export function upCommand(program: Command): void {
  const command = program
    .command('up')
    .summary('run everything in this process: HTTP in, circuit events out')
    .description(
      'Runs the whole processor in one process, with the state in a data folder and no server to install. ' +
        'Agents post interactions to /v1/interactions and read circuit events from /v1/circuits/stream.',
    )
    .option('-c, --config <file>', 'config file, YAML or JSON (FULCRUM_CONFIG)')
    .option('-d, --data <folder>', 'data folder (dataDir)');
  listenOptions(serverOptions(command))
    .option('--no-timed-recovery', 'circuits of silent pairs wait for an event (timedRecovery)')
    .option('--fail-fast', 'a server that is away at start is an error, instead of being waited for')
    .option('--fresh', 'with a broker: begin without state, though events were acknowledged before')
    .option('--set <key=value>', 'any config key, e.g. --set trust.threshold=0.4; repeatable', collect, [])
    .option('--json', 'print where it listens as JSON')
    .addHelpText(
      'after',
      `
With servers:
  --redis alone      the state is in Redis instead of the folder, for this process alone
  --nats or --kafka  it is a processor of the broker's events too, as \`process\` is: what is posted is published
                     there and answered when the broker has it, and the circuit events of all processors are
                     streamed. The state is in Redis with --redis, which other processors may share, else in the
                     folder, and then this process is the only processor

Try it:
  $ fulcrum-trust up --data ./trust &
  $ curl -X POST localhost:4747/v1/interactions -H 'content-type: application/json' \\
      -d '{"agent_a":"planner","agent_b":"coder","outcome":"failure"}'
  $ fulcrum-trust watch`,
    )
    .action(async (flags: UpFlags) => {
      const { source, store } = wayOf(flags);
      const overrides = serverOverrides(flags, [...flags.set, ...listenOverrides(flags)], {
        ...(flags.data === undefined ? {} : { dataDir: flags.data }),
        ...(flags.timedRecovery ? {} : { timedRecovery: false }),
      });
      const loaded = loadConfig(flags.config ?? null, overrides);
      const logger = startLog(loaded);
      const { failFast = false, fresh = false } = flags;
      const { startUp } = await import('../runtime/up.js');
      await runUntilStopped(
        (signal) => startUp({ loaded, overrides, source, store, failFast, fresh, logger, signal }),
        ({ url }) => announce(flags, loaded.config, { url, source, store }),
      );
    });
}

type Way = Pick<UpRequest, 'source' | 'store'>;

/** Where events and state are, by the flags. @throws FulcrumError `usage` when they cannot go together */
function wayOf(flags: UpFlags): Way {
  const source = brokerOf(flags) ?? 'http';
  if (flags.redis !== undefined && flags.data !== undefined)
    throw new FulcrumError('usage', 'the state is in one place: name --data or --redis');
  if (flags.fresh === true && source === 'http')
    throw new FulcrumError('usage', '--fresh is for events of a broker: name --nats or --kafka');
  return { source, store: flags.redis === undefined ? 'folder' : 'redis' };
}

function announce(
  flags: UpFlags,
  { dataDir }: Config,
  { url, source, store }: Way & { readonly url: string },
): void {
  const folder = store === 'folder';
  if (flags.json === true) printJson({ url, source, store, ...(folder ? { dataDir } : {}) });
  else {
    const through = source === 'http' ? '' : `, events through ${source}`;
    print(`listening on ${url}${through}, state in ${folder ? dataDir : 'Redis'} (stop with Ctrl-C)`);
  }
}
