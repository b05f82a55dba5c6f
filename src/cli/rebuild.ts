import type { Command } from 'commander';
import { loadConfig } from '../config.js';
import { FulcrumError } from '../errors.js';
import { formatTime } from '../events/time.js';
import { GaveUp } from '../retry.js';
import type { RebuiltState } from '../runtime/rebuild.js';
import { collect } from './options.js';
import { note, print, printJson } from './output.js';
import { interruptedExitCode, progressBar } from './progress.js';
import { brokerOf } from './remote.js';
import { startLog } from './running.js';
import { type ServerFlags, serverOptions, serverOverrides } from './servers.js';

interface RebuildFlags extends ServerFlags {
  config?: string;
  prefix?: string;
  timedRecovery: boolean;
  set: string[];
  json?: boolean;
}

export function rebuildCommand(program: Command): void {
  const command = program
    .command('rebuild')
    .summary('make the state in Redis anew from the logs of a broker')
    .description(
      'Applies all commands and all interactions that NATS JetStream or Kafka still keep to a Redis without trust ' +
        'state, and publishes nothing but the circuits that differ from what was published last. No processor starts on ' +
        'the state until it is done. A rebuild that was ended goes on where it was when it is begun again.',
    )
    .option('-c, --config <file>', 'config file with the trust knobs and policies (FULCRUM_CONFIG)');
  serverOptions(command)
    .option('--prefix <name>', 'what the keys of the new state begin with (redis.prefix; default ft)')
    .option('--no-timed-recovery', 'circuits of silent pairs wait for an event (timedRecovery)')
    .option('--set <key=value>', 'any config key, e.g. --set redis.shards=32; repeatable', collect, [])
    .option('--json', 'print what it came to as JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ fulcrum-trust rebuild --nats nats://localhost:4222 --redis redis://localhost:6379 --config fleet.yaml
  $ fulcrum-trust rebuild --kafka localhost:9092 --redis redis://localhost:6379 --prefix ft2`,
    )
    .action(async (flags: RebuildFlags) => {
      const source = brokerOf(flags);
      if (source === null)
        throw new FulcrumError('usage', 'name the broker that has the logs: --nats or --kafka');
      const prefix = flags.prefix === undefined ? [] : [`redis.prefix=${flags.prefix}`];
      const recovery = flags.timedRecovery ? {} : { timedRecovery: false };
      const overrides = serverOverrides(flags, [...flags.set, ...prefix], recovery);
      const loaded = loadConfig(flags.config ?? null, overrides);
      const logger = startLog(loaded);
      if (loaded.file === null)
        note('no config file is named: every pair is rebuilt under the default policy, or those in Redis');
      const interrupted = new AbortController();
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
      const bar = progressBar(true);
      const { signal } = interrupted;
      try {
        const { rebuildState } = await import('../runtime/rebuild.js');
        const state = await rebuildState({
          loaded,
          overrides,
          source,
          logger,
          signal,
          onProgress: ({ done, left }) => bar.update(done, done, done + left),
        }).finally(() => bar.stop());
        if (flags.json === true) printJson(jsonOf(state));
        else printState(state);
      } catch (error) {
        if (!(error instanceof GaveUp)) throw error;
        note(
          'interrupted: begun again it goes on where it was, and no processor starts on the state until it is done',
        );
        process.exitCode = interruptedExitCode;
      }
    });
}

function jsonOf({ from, counts, circuits, wentOn, removedKeys, seconds }: RebuiltState) {
  return {
    from: from === null ? null : formatTime(from),
    interactions: counts.interactions,
    commands: counts.commands,
    resets_at_their_circuit_event: counts.pinnedResets,
    repeats: counts.repeats,
    duplicates: counts.duplicates,
    superseded: counts.superseded,
    refused: counts.refused,
    pairs_compared: circuits.pairs,
    circuits_announced: circuits.announced,
    went_on: wentOn,
    removed_keys: removedKeys,
    seconds: Number(seconds.toFixed(3)),
  };
}

function printState(state: RebuiltState): void {
  const { counts, circuits, seconds } = state;
  const rate = Math.round((counts.interactions + counts.repeats) / Math.max(seconds, 0.001));
  print(
    `rebuilt: ${counts.interactions} interactions and ${counts.commands} commands, ${rate} interactions a second`,
  );
  print(sinceWhen(state));
  print(
    `circuits announced: ${circuits.announced}, which differed from what was published last; ${circuits.pairs} pairs were compared`,
  );
  print(
    'what no log holds is not in it: interactions that the log had dropped, calls of RedisStore in processes of agents, ' +
      "and that a producer repeated an event, beyond a pair's last ids",
  );
  print('processors may start');
  if (state.wentOn) note('an earlier rebuild had ended early: this one went on where it was');
  if (state.removedKeys > 0)
    note(
      `${state.removedKeys} keys that were left without their state were removed: the logs have what they said`,
    );
  if (counts.repeats > 0)
    note(`${counts.repeats} interactions had been applied before and did not count again`);
  if (counts.duplicates > 0) note(`${counts.duplicates} were sent twice by their producer and counted once`);
  if (counts.superseded > 0) note(`${counts.superseded} lie before a reset of their pair and did not count`);
  if (counts.refused > 0)
    note(`${counts.refused} cannot be accepted: processors make dead letters of such events`);
}

function sinceWhen({ from, counts }: RebuiltState): string {
  if (from !== null)
    return `from ${formatTime(from)} on: what came before is not in the log any more, but for the commands`;
  return counts.interactions + counts.repeats === 0
    ? 'the log holds no interactions'
    : 'from the first interaction on: the log is whole';
}
