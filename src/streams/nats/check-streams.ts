import { type ConsumerConfig, type ConsumerInfo, millis, type StreamConfig, type StreamInfo } from 'nats';
import type { Finding } from '../../ports.js';
import { found } from './finding.js';
import { consumerConfig, consumerFaults, describe, streamConfig, streamFaults } from './layout.js';
import type { Link } from './link.js';
import { lostToRetention } from './log.js';
import type { NatsOptions } from './options.js';
import type { Place } from './places.js';
import { findConsumer, findStream } from './streams.js';

const lookAgain = 'see that the server answers and that this user may look';

export function checkStream(link: Link, options: NatsOptions, place: Place): Promise<Finding> {
  const what = `nats stream ${place.stream}`;
  return found(what, lookAgain, async () => {
    const info = await findStream(link, place);
    if (info === null) return warning(what, 'is absent', 'nothing: it is made when it is used');
    const faults = streamFaults(info.config, place);
    if (faults.length > 0)
      return {
        what,
        status: 'bad',
        detail: describe(faults),
        mend: `mend it, or name another in ${place.option}`,
      };
    const differences = differencesOf(info.config, streamConfig(options, place));
    if (differences !== '') return warning(what, differences, 'alter it if this is not what you want');
    return contents(info);
  });
}

export function checkConsumer(link: Link, options: NatsOptions, place: Place): Promise<Finding> {
  const what = `nats consumer ${options.durable} of ${place.stream}`;
  return found(what, lookAgain, async () => {
    const [stream, consumer] = await Promise.all([
      findStream(link, place),
      findConsumer(link, place, options.durable),
    ]);
    if (stream === null || consumer === null)
      return warning(what, 'is absent', 'nothing: it is made when it is used');
    const faults = consumerFaults(consumer.config, place);
    if (faults.length > 0)
      return {
        what,
        status: 'bad',
        detail: describe(faults),
        mend: 'mend it, or name another in nats.durable (of an analyser: nats.analyserDurable)',
      };
    return progressOf(what, stream, consumer, differencesOf(consumer.config, consumerConfig(options, place)));
  });
}

function progressOf(
  what: string,
  stream: StreamInfo,
  consumer: ConsumerInfo,
  differences: string,
): string | Finding {
  const { num_pending: unread, num_ack_pending: unacknowledged, config } = consumer;
  const lag = `${unread} to be read, ${unacknowledged} not yet acknowledged`;
  const lost = lostToRetention(stream, consumer);
  if (lost > 0)
    return warning(
      what,
      `retention overtook it: ${lost} messages were removed before they were read; ${lag}`,
      'keep them longer, or add processors',
    );
  const most = config.max_ack_pending ?? 0;
  if (most > 0 && unacknowledged >= most)
    return warning(what, `${lag}: no more are delivered`, 'see what keeps the processors from acknowledging');
  return differences === ''
    ? lag
    : warning(what, `${differences}; ${lag}`, 'alter it if this is not what you want');
}

function contents({ state }: StreamInfo): string {
  const { messages, bytes, first_seq: first, last_seq: last } = state;
  return messages === 0 ? 'empty' : `${messages} messages, ${bytes} bytes, positions ${first} to ${last}`;
}

function warning(what: string, detail: string, mend: string): Finding {
  return { what, status: 'warning', detail, mend };
}

const durations: readonly string[] = ['max_age', 'ack_wait'];
const compared = [
  'max_age',
  'max_msgs_per_subject',
  'storage',
  'num_replicas',
  'discard',
  'ack_wait',
  'max_ack_pending',
] as const;

/** Settings that are allowed, and not those that would have been made. */
function differencesOf(
  is: StreamConfig | ConsumerConfig,
  made: Partial<StreamConfig | ConsumerConfig>,
): string {
  const [theirs, ours] = [is, made].map((config) => config as Readonly<Record<string, unknown>>);
  return compared
    .filter((name) => ours?.[name] !== undefined && theirs?.[name] !== ours[name])
    .map((name) => `${name} is ${spoken(name, theirs?.[name])} (made with ${spoken(name, ours?.[name])})`)
    .join(', ');
}

function spoken(name: string, value: unknown): string {
  return durations.includes(name) && typeof value === 'number' ? `${millis(value) / 1_000} s` : String(value);
}
