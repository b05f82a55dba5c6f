import type { ConsumerInfo, StreamInfo } from 'nats';
import { FulcrumError } from '../../errors.js';
import type { SourceMessage } from '../../ports.js';
import { apiCodes } from './errors.js';
import type { Link } from './link.js';
import { storedMessage } from './messages.js';
import type { Place } from './places.js';
import { findStream, orNull } from './streams.js';

/** One life of a stream: made anew, it is another log, whose positions begin anew. */
export class StreamLog {
  /** As positions name it: `<stream>@<when it was made, in ms>`. */
  readonly source: string;
  /** The highest position that was delivered. */
  highest = 0;

  constructor(
    private readonly link: Link,
    readonly place: Place,
    private readonly created: string,
  ) {
    this.source = `${place.stream}@${Date.parse(created)}`;
  }

  /** @throws FulcrumError `mismatch` when it is another stream than the one that was read, or has lost its end */
  async look(): Promise<StreamInfo> {
    const { stream } = this.place;
    const info = await findStream(this.link, this.place);
    const fail = (why: string): never => {
      throw new FulcrumError('mismatch', `nats stream ${stream}: ${why}, positions would mix: start again`);
    };
    if (info === null) return fail('was deleted while it was read');
    if (info.created !== this.created) return fail(`was made anew at ${info.created} while it was read`);
    if (info.state.last_seq < this.highest)
      return fail(`ends at ${info.state.last_seq} and was read up to ${this.highest}`);
    return info;
  }

  /** The first message of `subjects` after a position, or null. Asked of the leader: a copy may lag behind. */
  async firstAfter(position: number, subjects: string): Promise<SourceMessage | null> {
    const { stream, root } = this.place;
    const query = { seq: position + 1, next_by_subj: subjects };
    const stored = await this.link.ask(`look into stream ${stream}`, () =>
      orNull(this.link.manager.streams.getMessage(stream, query), apiCodes.messageNotFound),
    );
    return stored === null ? null : storedMessage(stored, this.source, root);
  }
}

/** How many messages the stream removed before a shared consumer had them acknowledged. */
export function lostToRetention(stream: StreamInfo, consumer: ConsumerInfo): number {
  // nats-server 2.9 moves `delivered` over what was removed, and has no floor before the first acknowledgement.
  const before = consumer.ack_floor.stream_seq || consumer.delivered.stream_seq;
  return Math.max(0, stream.state.first_seq - before - 1);
}
