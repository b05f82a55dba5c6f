/** How streams and consumers are made, and what has to be so of those that are there. */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  DiscardPolicy,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from 'nats';
import type { NatsOptions } from './options.js';
import { foreignSubjects, type Place } from './places.js';
import { covers, overlaps } from './subjects.js';

/** How long requests for analyses and their results are kept, in seconds: by then what they rest on is gone. */
const analysesMaxAgeSeconds = 30 * 86_400;

/** Circuit events that are kept of each pair. */
export const circuitsPerPair = 16;

export function streamConfig(options: NatsOptions, place: Place): Partial<StreamConfig> & { name: string } {
  const { channel } = place;
  return {
    name: place.stream,
    subjects: [place.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    num_replicas: options.replicas,
    allow_direct: true,
    max_age: nanos(maxAgeSecondsOf(options, channel) * 1_000),
    max_msgs_per_subject: channel === 'circuits' ? circuitsPerPair : -1,
  };
}

/** 0: for ever. */
function maxAgeSecondsOf(options: NatsOptions, channel: Place['channel']): number {
  if (channel === 'interactions') return options.interactionsMaxAgeSeconds;
  return channel === 'analyses' ? analysesMaxAgeSeconds : 0;
}

export function consumerConfig(options: NatsOptions, place: Place): Partial<ConsumerConfig> {
  return {
    durable_name: options.durable,
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(options.ackWaitSeconds * 1_000),
    max_deliver: -1,
    max_ack_pending: options.maxAckPending,
    filter_subject: place.subjects,
  };
}

/** A setting that is not as it has to be. */
export interface Fault {
  readonly setting: string;
  readonly is: string;
  readonly hasToBe: string;
}

export function streamFaults(config: StreamConfig, place: Place): Fault[] {
  const faults: Fault[] = [];
  const subjects = config.subjects ?? [];
  const is = subjects.join(', ') || 'none';
  if (config.retention !== RetentionPolicy.Limits)
    faults.push({ setting: 'retention', is: config.retention, hasToBe: RetentionPolicy.Limits });
  if (!subjects.some((subject) => covers(subject, place.subjects)))
    faults.push({ setting: 'subjects', is, hasToBe: `such that they cover ${place.subjects}` });
  const foreign = foreignSubjects.find((other) => subjects.some((subject) => overlaps(subject, other)));
  if (foreign !== undefined)
    faults.push({ setting: 'subjects', is, hasToBe: `such that they do not meet ${foreign}` });
  if (config.no_ack === true) faults.push({ setting: 'no_ack', is: 'true', hasToBe: 'false' });
  return faults;
}

export function consumerFaults(config: ConsumerConfig, place: Place): Fault[] {
  const faults: Fault[] = [];
  if (config.deliver_subject)
    faults.push({
      setting: 'deliver_subject',
      is: config.deliver_subject,
      hasToBe: 'absent (a pull consumer)',
    });
  if (config.ack_policy !== AckPolicy.Explicit)
    faults.push({ setting: 'ack_policy', is: config.ack_policy, hasToBe: AckPolicy.Explicit });
  const deliveries = config.max_deliver ?? -1;
  if (deliveries > 0)
    // After an hour without Redis it would skip what it has delivered so often.
    faults.push({ setting: 'max_deliver', is: String(deliveries), hasToBe: '-1' });
  const filters = config.filter_subjects ?? (config.filter_subject ? [config.filter_subject] : []);
  if (filters.length > 0 && !filters.some((filter) => covers(filter, place.subjects)))
    faults.push({ setting: 'filter_subject', is: filters.join(', '), hasToBe: place.subjects });
  if (config.headers_only === true) faults.push({ setting: 'headers_only', is: 'true', hasToBe: 'false' });
  return faults;
}

export function describe(faults: readonly Fault[]): string {
  return faults.map(({ setting, is, hasToBe }) => `${setting} is ${is} and has to be ${hasToBe}`).join('; ');
}
