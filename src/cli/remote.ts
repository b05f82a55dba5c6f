/** How the commands that talk to a fleet reach it: over HTTP, or through a broker and Redis themselves. */
import { type Config, loadConfig } from '../config.js';
import { FulcrumError } from '../errors.js';
import type { Broker } from '../ports.js';
import { type BrokerKind, connectBroker, openRedis } from '../runtime/servers.js';
import type { RedisStore } from '../store/redis/store.js';
import { note } from './output.js';
import { type ServerFlags, serverOverrides } from './servers.js';

const quiet = (line: string, level: string): void => {
  if (level !== 'info') note(line);
};

/** The broker that the flags name, null where they name none. @throws FulcrumError `usage` when they name two */
export function brokerOf({ nats, kafka }: ServerFlags): BrokerKind | null {
  if (nats !== undefined && kafka !== undefined)
    throw new FulcrumError('usage', 'name one broker: --nats or --kafka');
  if (nats !== undefined) return 'nats';
  return kafka === undefined ? null : 'kafka';
}

/** Does `work` with the broker that the flags name, null where they name none. */
export async function withBroker<R>(
  flags: ServerFlags,
  work: (broker: Broker) => Promise<R>,
): Promise<R | null> {
  const kind = brokerOf(flags);
  if (kind === null) return null;
  const config = configOf(flags);
  const broker = await connectBroker(kind, config, quiet);
  try {
    return await work(broker);
  } finally {
    await broker.close();
  }
}

/** Does `work` with the store that the flags name, null where they name none. */
export async function withRedis<R>(
  flags: ServerFlags,
  work: (store: RedisStore) => Promise<R>,
): Promise<{ readonly answer: R } | null> {
  if (flags.redis === undefined) return null;
  const config = configOf(flags);
  // A look must not make what it looks for.
  const store = await openRedis(config, quiet, false);
  try {
    return { answer: await work(store) };
  } finally {
    await store.close();
  }
}

function configOf(flags: ServerFlags): Config {
  return loadConfig(flags.config ?? null, serverOverrides(flags, flags.set ?? [])).config;
}
