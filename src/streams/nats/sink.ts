import { ErrorCode, NatsError } from 'nats';
import { FulcrumError } from '../../errors.js';
import type { Channel, EventSink, SinkMessage } from '../../ports.js';
import { apiCodes, isApiError, requestFailure } from './errors.js';
import type { Link } from './link.js';
import { headersFor } from './messages.js';
import type { NatsOptions } from './options.js';
import { isKeyed, type Place, placeOf } from './places.js';
import { Publisher } from './publisher.js';
import { ensureStream } from './streams.js';
import { token } from './subjects.js';

/** Messages that are sent and whose acknowledgement is awaited, at most. */
const maxInFlight = 256;

/** Taken for a limit that cannot be asked for. */
const commonPayload = 64 * 1024;

interface SizeLimit {
  readonly bytes: number;
  /** And what to do about it. */
  readonly says: string;
}

/** Publishes to the streams; one that is absent is made at its first message, or before. */
export class NatsSink implements EventSink {
  private readonly ready = new Map<Channel, Promise<void>>();
  private readonly publisher: Publisher;

  constructor(
    private readonly link: Link,
    private readonly options: NatsOptions,
  ) {
    this.publisher = new Publisher(link);
  }

  /**
   * @throws FulcrumError `unavailable` when the broker is away or has no such stream, `mismatch` when the stream
   *   is not as it has to be, `denied` when this user may not publish, `refused` when a message is too large
   */
  async publish(messages: readonly SinkMessage[]): Promise<void> {
    for (const channel of new Set(messages.map((message) => message.channel))) await this.prepare(channel);
    // Shared by the lanes: each takes the next, so that messages leave in their order.
    const remaining = messages[Symbol.iterator]();
    let failed = false;
    const lane = async (): Promise<void> => {
      for (const message of remaining) {
        if (failed) return;
        await this.send(message);
      }
    };
    const lanes = Array.from({ length: Math.min(maxInFlight, messages.length) }, lane);
    await Promise.all(lanes).catch((error: unknown) => {
      failed = true;
      throw error;
    });
  }

  /** Makes a channel's stream when it is absent. */
  prepare(channel: Channel): Promise<void> {
    const known = this.ready.get(channel);
    if (known !== undefined) return known;
    const made = ensureStream(this.link, this.options, placeOf(this.options, channel)).then(
      () => {},
      (error: unknown) => {
        // One who may only publish cannot look: the answer to what is published tells as much.
        if (error instanceof FulcrumError && error.code === 'denied') return;
        this.ready.delete(channel);
        throw error;
      },
    );
    this.ready.set(channel, made);
    return made;
  }

  private async send(message: SinkMessage): Promise<void> {
    const place = placeOf(this.options, message.channel);
    const subject = subjectOf(place, message);
    this.link.require();
    try {
      const stream = await this.publisher.publish(subject, message.body, headersFor(message));
      if (stream !== place.stream) throw takenBy(stream, subject, place);
    } catch (error) {
      const limit = await this.limitBrokenBy(error, place);
      if (limit === null) throw this.failure(error, place, subject);
      if (message.cutTo !== undefined) return this.send(message.cutTo(limit.bytes));
      const why = `has ${message.body.byteLength} bytes and its headers, ${limit.says}`;
      throw new FulcrumError('refused', `${this.link.name}: publish to ${subject}: ${why}`, { cause: error });
    }
  }

  /** Which limit on a message's size it was, null when it was none. */
  private async limitBrokenBy(error: unknown, { stream }: Place): Promise<SizeLimit | null> {
    const payload = this.link.connection.info?.max_payload ?? commonPayload;
    if (error instanceof NatsError && error.code === ErrorCode.MaxPayloadExceeded)
      return {
        bytes: payload,
        says: `the server takes ${payload} (max_payload): raise it there, or send less`,
      };
    if (isApiError(error, apiCodes.headersTooLarge))
      return { bytes: payload, says: 'JetStream takes 64 KiB of headers: send fewer' };
    if (!isApiError(error, apiCodes.messageTooLarge)) return null;
    const info = await this.link.manager.streams.info(stream).catch(() => null);
    const bytes = info?.config.max_msg_size ?? commonPayload;
    return { bytes, says: `stream ${stream} takes ${bytes} (max_msg_size): raise it there, or send less` };
  }

  private failure(error: unknown, place: Place, subject: string): FulcrumError {
    const what = `${this.link.name}: publish to ${subject}`;
    const code = error instanceof NatsError ? error.code : '';
    if (code === ErrorCode.NoResponders) {
      // It may have been deleted: the next attempt makes it again.
      this.ready.delete(place.channel);
      const why = `stream ${place.stream} is absent, has no leader, or JetStream is off`;
      return new FulcrumError('unavailable', `${what}: ${why}`, { cause: error });
    }
    return requestFailure(what, error);
  }
}

function takenBy(stream: string, subject: string, place: Place): FulcrumError {
  const what = `nats stream ${stream} takes ${subject}, which is for ${place.stream}`;
  return new FulcrumError('mismatch', `${what}: take the subject from it, or set ${place.option}`);
}

function subjectOf({ channel, root }: Place, { tenant, key }: SinkMessage): string {
  return isKeyed(channel) ? `${root}${token(tenant)}.${token(key)}` : `${root}${token(tenant)}`;
}
