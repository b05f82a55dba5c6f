/** Streams and consumers on the server: made when absent, never altered. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ConsumerInfo, StreamInfo } from 'nats';
import { FulcrumError } from '../../errors.js';
import { apiCodes, isApiError } from './errors.js';
import { consumerConfig, consumerFaults, describe, streamConfig, streamFaults } from './layout.js';
import type { Link } from './link.js';
import type { NatsOptions } from './options.js';
import type { Place } from './places.js';

/** When a stream was made, all who made it at once have their answer after this long. */
const settleMs = 100;

/** The stream, or null when there is none. */
export function findStream(link: Link, { stream }: Place): Promise<StreamInfo | null> {
  return link.ask(`look at stream ${stream}`, () =>
    orNull(link.manager.streams.info(stream), apiCodes.streamNotFound),
  );
}

/** The consumer, or null when there is none or no stream. */
export function findConsumer(link: Link, { stream }: Place, name: string): Promise<ConsumerInfo | null> {
  return link.ask(`look at consumer ${name} of stream ${stream}`, () =>
    orNull(link.manager.consumers.info(stream, name), apiCodes.consumerNotFound, apiCodes.streamNotFound),
  );
}

/** @throws FulcrumError `mismatch` when the stream that is there is not as it has to be */
export async function ensureStream(link: Link, options: NatsOptions, place: Place): Promise<StreamInfo> {
  const info = (await findStream(link, place)) ?? (await makeStream(link, options, place));
  const faults = streamFaults(info.config, place);
  if (faults.length === 0) return info;
  throw mismatch(`stream ${place.stream}`, describe(faults), `name another one in ${place.option}`);
}

/** @throws FulcrumError `mismatch` when the consumer that is there is not as it has to be */
export async function ensureConsumer(link: Link, options: NatsOptions, place: Place): Promise<ConsumerInfo> {
  const found = await findConsumer(link, place, options.durable);
  const info = found ?? (await makeConsumer(link, options, place));
  const faults = consumerFaults(info.config, place);
  if (faults.length === 0) return info;
  const what = `consumer ${options.durable} of stream ${place.stream}`;
  throw mismatch(
    what,
    describe(faults),
    'name another one in nats.durable (of an analyser: nats.analyserDurable)',
  );
}

export function mismatch(what: string, fault: string, mend: string): FulcrumError {
  return new FulcrumError('mismatch', `nats ${what}: ${fault}; mend it, or ${mend}`);
}

async function makeStream(link: Link, options: NatsOptions, place: Place): Promise<StreamInfo> {
  await link.ask(`make stream ${place.stream}`, () =>
    orNull(link.manager.streams.add(streamConfig(options, place)), apiCodes.streamNameInUse),
  );
  // Another process may make it just now, and nats-server 2.9 then makes it twice: the later one stays.
  await pause(settleMs);
  return known(findStream(link, place), `stream ${place.stream}`);
}

async function makeConsumer(link: Link, options: NatsOptions, place: Place): Promise<ConsumerInfo> {
  const { stream } = place;
  const made = await link.ask(`make consumer ${options.durable} of stream ${stream}`, () =>
    orNull(link.manager.consumers.add(stream, consumerConfig(options, place)), apiCodes.consumerExists),
  );
  return made ?? (await known(findConsumer(link, place, options.durable), `consumer ${options.durable}`));
}

async function known<T>(found: Promise<T | null>, what: string): Promise<T> {
  const info = await found;
  if (info === null) throw new FulcrumError('unavailable', `nats ${what}: was removed while it was made`);
  return info;
}

/** What was asked for, or null for these errors of the API. */
export async function orNull<T>(asked: Promise<T>, ...codes: readonly number[]): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (isApiError(error, ...codes)) return null;
    throw error;
  }
}
