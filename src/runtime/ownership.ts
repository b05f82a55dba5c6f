/** Whose a state in Redis is: of one `up` without a broker, or of any number of processors of one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../clock.js';
import { FulcrumError } from '../errors.js';
import type { SharedStore } from '../ports.js';
import { leaseMs } from '../store/redis/outbox.js';
import type { RedisStore } from '../store/redis/store.js';

/** What the topics of an `up` without a broker begin with in the marks of Redis; when it was started follows. */
export const topicPrefix = 'http@';

/** Whether nobody else publishes what circuits do; the leases of a process that was killed lapse within this time. */
export function leadsSoon(store: RedisStore): Promise<boolean> {
  return within(leaseMs + 1_000, () => store.leads());
}

/** @throws FulcrumError `store_in_use` when what circuits do is published by another process */
export async function takeOver(store: RedisStore): Promise<void> {
  if (await leadsSoon(store)) return;
  throw new FulcrumError(
    'store_in_use',
    'another processor works on this state and publishes its circuit events: stop it, name the broker that they all ' +
      'use with --nats or --kafka, or take other keys with redis.prefix',
  );
}

/** A process that marks every second has gone, or cannot reach Redis, when it has not for so long, in ms. */
const goneAfterMs = 10_000;

/**
 * For a processor that publishes through a broker: circuit events that a process without one takes out of the same
 * state would be lost to the broker's readers.
 *
 * @throws FulcrumError `store_in_use` when there is such a process
 */
export async function refuseBesideAlone(store: SharedStore): Promise<void> {
  const isFree = async (): Promise<boolean> =>
    (await store.marks()).every(
      ({ source, readTo = 0 }) =>
        !source.startsWith(topicPrefix) || readTo < systemClock() - goneAfterMs / 1_000,
    );
  if (await within(goneAfterMs + 2_000, isFree)) return;
  throw new FulcrumError(
    'store_in_use',
    '`fulcrum-trust up` with --redis alone works on this state and has its circuit events for itself: stop it, or take ' +
      'other keys with redis.prefix',
  );
}

/** Asks again until it is so, for so long at most. */
async function within(ms: number, isSo: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + ms; !(await isSo()); await sleep(250))
    if (Date.now() > deadline) return false;
  return true;
}
