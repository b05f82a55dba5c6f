import { statSync } from 'node:fs';
import type { Logger } from 'pino';
import { type LoadedConfig, policyDocument } from '../config.js';
import { messageOf } from '../errors.js';
import type { RedisStore } from '../store/redis/store.js';
import { PolicyBook } from '../trust/policies.js';
import type { Opened } from './opened.js';

/** How often the fleet's policies are asked for, in ms. */
const readEveryMs = 1_000;

/**
 * The policies that all processors of a state follow, as they are now. A config file that is newer than they are
 * takes their place: of several processes' files the one that was changed last holds.
 */
export async function sharedPolicies(
  { config, file }: LoadedConfig,
  store: RedisStore,
  logger: Logger,
  opened: Opened,
): Promise<() => PolicyBook> {
  // Without a file there is nothing to say: what others wrote holds.
  const version = file === null ? 0 : Math.floor(statSync(file).mtimeMs);
  const own = policyDocument(config, version);
  await store.policies.write(own);
  let known = (await store.policies.read()) ?? { book: new PolicyBook(own), version };
  const read = async (): Promise<void> => {
    try {
      const next = await store.policies.read();
      if (next === null || next.version === known.version) return;
      known = next;
      logger.info({ version: next.version }, 'policies changed');
    } catch (error) {
      logger.error({ reason: messageOf(error) }, 'cannot read the policies, the old ones hold');
    }
  };
  const timer = setInterval(() => void read(), readEveryMs);
  opened.add(() => clearInterval(timer));
  return () => known.book;
}
