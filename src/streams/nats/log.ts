import { setTimeout as pause } from 'node:timers/promises';
import type { ConsumerInfo, StreamInfo } from 'nats';
import { FulcrumError } from '../../errors.js';
import type { SourceMessage } from '../../ports.js';
import { apiCodes } from './errors.js';
import type { Link } from './link.js';
import { storedMessage } from './messages.js';
import type { Place } from './places.js';
import { findStream, orNull } from './streams.js';

/** How long a leader has to catch up. */
const catchUpMs = 1_000;

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
    const { highest } = this;
    const info = await this.lookOnce();
    if (info.state.last_seq >= highest) return info;
    // A leader may be a moment behind what a copy has delivered.
    await pause(catchUpMs);
    const again = await this.lookOnce();
    const last = again.state.last_seq;
    return last >= highest ? again : this.fail(`ends at ${last} and was read up to ${highest}`);
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

  private async lookOnce(): Promise<StreamInfo> {
    const info = await findStream(this.link, this.place);
    if (info === null) return this.fail('was deleted while it was read');
    if (info.created === this.created) return info;
    return this.fail(`was made anew at ${info.created} while it was read`);
  }

  private fail(why: string): never {
    const { stream } = this.place;
    throw new FulcrumError('mismatch', `nats stream ${stream}: ${why}, positions would mix: start again`);
  }
}

/** How many messages the stream removed before a shared consumer had them acknowledged. */
export function lostToRetention(stream: StreamInfo, consumer: ConsumerInfo): number {
  // nats-server 2.9 moves `delivered` over what was removed, and has no floor before the first acknowledgement.
  const before = consumer.ack_floor.stream_seq || consumer.delivered.stream_seq;
  return Math.max(0, stream.state.first_seq - before - 1);
}
