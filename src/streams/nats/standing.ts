import type { SourceStanding } from '../../ports.js';
import type { Link } from './link.js';
import { StreamLog } from './log.js';
import type { NatsOptions } from './options.js';
import { type Place, placeOf } from './places.js';
import { findConsumer, findStream } from './streams.js';

/** Where the shared consumer of a channel stands; empty when there is none. */
export async function standingOf(
  link: Link,
  options: NatsOptions,
  channel: Place['channel'],
): Promise<readonly SourceStanding[]> {
  const place = placeOf(options, channel);
  const [stream, consumer] = await Promise.all([
    findStream(link, place),
    findConsumer(link, place, options.durable),
  ]);
  if (stream === null || consumer === null) return [];
  const { source } = new StreamLog(link, place, stream.created);
  return [
    {
      source,
      acknowledged: consumer.ack_floor.stream_seq,
      // What lies above the floor may be acknowledged.
      delivered: consumer.delivered.stream_seq,
      last: stream.state.last_seq,
    },
  ];
}
