import type { Command } from 'commander';
import { stringify } from 'yaml';
import {
  type Config,
  configNotes,
  configWarnings,
  loadConfig,
  overridesOf,
  policyDocument,
} from '../config.js';
import { TrustConfig } from '../trust/config.js';
import { collect } from './options.js';
import { note, print } from './output.js';

interface ConfigFlags {
  config?: string;
  set: string[];
  json?: boolean;
}

export function configCommand(program: Command): void {
  program
    .command('config')
    .summary('check the config and show what it comes to')
    .description(
      'Checks the config (file, FULCRUM_* variables, --set) and prints all of it, defaults included, as a file ' +
        'that can be used again. Warnings, and what follows for circuits, go to standard error.',
    )
    .option('-c, --config <file>', 'config file, YAML or JSON (FULCRUM_CONFIG)')
    .option('--set <key=value>', 'any config key; repeatable', collect, [])
    .option('--json', 'print JSON')
    .action((flags: ConfigFlags) => {
      const { config } = loadConfig(flags.config ?? null, overridesOf(flags.set));
      for (const warning of configWarnings(config)) note(`warning: ${warning}`);
      for (const line of configNotes(config)) note(line);
      const whole = {
        ...withoutSecrets(config),
        trust: { ...new TrustConfig(policyDocument(config).default) },
      };
      // JSON has no infinity; the loader takes the word for it.
      if (flags.json === true)
        print(JSON.stringify(whole, (_key, value) => (value === Infinity ? 'Infinity' : value)));
      else print(stringify(whole).trimEnd());
    });
}

/** What is printed is copied around: secrets belong into the environment, and are named there. */
function withoutSecrets(config: Config): Config {
  const hidden = (secret: string | null): string | null => (secret === null ? null : '***');
  const { nats, kafka, redis, projection, model } = config;
  return {
    ...config,
    nats: {
      ...nats,
      servers: nats.servers.map(withoutPassword),
      password: hidden(nats.password),
      token: hidden(nats.token),
    },
    kafka: { ...kafka, password: hidden(kafka.password) },
    model: { ...model, key: hidden(model.key) },
    redis: { ...redis, url: withoutPassword(redis.url) },
    projection: {
      ...projection,
      redisUrl: projection.redisUrl === null ? null : withoutPassword(projection.redisUrl),
    },
  };
}

function withoutPassword(url: string): string {
  return url.replace(/(\/\/[^:@/]*):[^@/]*@/, '$1:***@');
}
