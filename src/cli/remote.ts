/** How the commands that talk to a fleet reach it: over HTTP, or through a broker and Redis themselves. */
import { loadConfig } from '../config.js';
import { FulcrumError } from '../errors.js';
import type { Broker } from '../ports.js';
import { connectBroker, openRedis } from '../runtime/servers.js';
import type { RedisStore } from '../store/redis/store.js';
import { note } from './output.js';
import { type ServerFlags, serverOverrides } from './servers.js';

const quiet = (line: string, level: string): void => {
  if (level !== 'info') note(line);
};

/** Does `work` with the broker that the flags name, null where they name none. */
export async function withBroker<R>(
  flags: ServerFlags,
  work: (broker: Broker) => Promise<R>,
): Promise<R | null> {
  if (flags.nats === undefined && flags.kafka === undefined) return null;
  if (flags.nats !== undefined && flags.kafka !== undefined)
    throw new FulcrumError('usage', 'name one broker: --nats or --kafka');
  const { config } = loadConfig(null, serverOverrides(flags, []));
  const broker = await connectBroker(flags.nats === undefined ? 'kafka' : 'nats', config, quiet);
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
  const { config } = loadConfig(null, serverOverrides(flags, []));
  // A look must not make what it looks for.
  const store = await openRedis(config, quiet, false);
  try {
    return { answer: await work(store) };
  } finally {
    await store.close();
  }
}
