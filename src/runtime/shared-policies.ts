import { messageOf } from '../errors.js';
import type { RedisStore } from '../store/redis/store.js';
import { PolicyBook } from '../trust/policies.js';
import { onChangedPolicies, ownPolicies, type Started } from './changed-policies.js';
import type { Opened } from './opened.js';

/** How often the fleet's policies are asked for, in ms. */
const readEveryMs = 1_000;

/**
 * The policies that all processors of a state follow, as they are now. A config file that is newer than they are
 * takes their place, when a process starts and while it runs: of several processes' files the one that was changed
 * last holds.
 */
export async function sharedPolicies(
  started: Started,
  store: RedisStore,
  opened: Opened,
): Promise<() => PolicyBook> {
  const { logger } = started;
  // Without a file there is nothing to say: what others wrote holds.
  let own = ownPolicies(started.loaded, 0);
  await store.policies.write(own);
  let known = (await store.policies.read()) ?? { book: new PolicyBook(own), version: own.version };
  const read = async (): Promise<void> => {
    try {
      if (own.version > known.version) await store.policies.write(own);
      const next = await store.policies.read();
      if (next === null || next.version === known.version) return;
      known = next;
      logger.info({ version: next.version }, 'policies changed');
    } catch (error) {
      logger.error({ reason: messageOf(error) }, 'cannot read the policies, the old ones hold');
    }
  };
  // Written with the next reading, and with each one after it where Redis is away.
  onChangedPolicies(started, opened, (changed) => {
    own = changed;
  });
  const timer = setInterval(() => void read(), readEveryMs);
  opened.add(() => clearInterval(timer));
  return () => known.book;
}
