import type { Command } from 'commander';
import { type ConfigOverrides, overridesOf } from '../config.js';

/** Where servers are, by flag; all else of them is in the config. */
export interface ServerFlags {
  nats?: string;
  kafka?: string;
  redis?: string;
  /** A config file, and keys of it, where the command takes them. */
  config?: string;
  set?: string[];
}

export function serverOptions(command: Command): Command {
  return command
    .option('--nats <servers>', 'NATS servers, comma-separated (nats.servers; default nats://127.0.0.1:4222)')
    .option('--kafka <brokers>', 'Kafka brokers, comma-separated (kafka.brokers; default 127.0.0.1:9092)')
    .option('--redis <url>', 'Redis (redis.url; default redis://127.0.0.1:6379)');
}

/** The flags, `--set` and what else the command line says, as one layer of the config. */
export function serverOverrides(
  flags: ServerFlags,
  settings: readonly string[],
  more: ConfigOverrides = {},
): ConfigOverrides {
  const named = [
    ...(flags.nats === undefined ? [] : [`nats.servers=${flags.nats}`]),
    ...(flags.kafka === undefined ? [] : [`kafka.brokers=${flags.kafka}`]),
    ...(flags.redis === undefined ? [] : [`redis.url=${flags.redis}`]),
  ];
  return { ...overridesOf([...settings, ...named]), ...more };
}
