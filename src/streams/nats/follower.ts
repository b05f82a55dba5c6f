import { AckPolicy, type ConsumerConfig, DeliverPolicy, type Msg, nanos } from 'nats';
import type { FulcrumError } from '../../errors.js';
import type { Channel, FollowFrom, LogSource, SourceBatch, SourceProgress } from '../../ports.js';
import type { Link } from './link.js';
import { StreamLog } from './log.js';
import { type Delivered, deliveryOf, readDelivered } from './messages.js';
import type { NatsOptions } from './options.js';
import { placeOf } from './places.js';
import { Puller } from './puller.js';
import { ensureStream } from './streams.js';
import { token } from './subjects.js';

/** The server forgets a consumer that has not been read for so long; it is made again when it is read. */
const forgottenAfterMs = 60_000;

export interface Follow {
  readonly channel: Channel;
  readonly from: FollowFrom;
  /** Messages of this tenant alone. */
  readonly tenant?: string | undefined;
}

/**
 * All messages of a stream, in order, for one reader alone. Its consumer lives in the server's memory; when it is
 * lost, or skips a message, another one goes on after the last message that came.
 */
export class Follower implements LogSource {
  readonly system = 'nats';
  readonly headerPrefix = 'ce-';
  readonly name: string;
  private readonly puller: Puller;
  /** Position of the last message that came, and of the last that was read. */
  private came: number;
  private given: number;
  private readonly endListening: () => void;
  private consumer = '';
  private delivered = 0;

  private constructor(
    private readonly link: Link,
    private readonly log: StreamLog,
    private readonly subjects: string,
    after: number,
    private lastAlone: boolean,
  ) {
    const { stream } = log.place;
    this.name = `nats:${stream}`;
    this.came = after;
    this.given = after;
    this.puller = new Puller({
      link,
      name: this.name,
      stream,
      consumer: '',
      mend: (trouble) => this.mend(trouble),
      deliver: (message) => this.deliver(message),
    });
    this.endListening = link.listen({ closing: () => this.close() });
  }

  static async open(link: Link, options: NatsOptions, { channel, from, tenant }: Follow): Promise<Follower> {
    const place = placeOf(options, channel);
    const { created, state } = await ensureStream(link, options, place);
    const subjects = tenant === undefined ? place.subjects : place.subjects.replace('*', () => token(tenant));
    const log = new StreamLog(link, place, created);
    const after = afterOf(from, log.source, state.last_seq);
    // A stream that ends before what was read of it has lost its end.
    log.highest = after;
    const follower = new Follower(link, log, subjects, after, from === 'last');
    try {
      await log.look();
      await follower.attach(typeof from === 'object' && 'since' in from ? from.since : null);
    } catch (error) {
      await follower.close();
      throw error;
    }
    return follower;
  }

  logs(): readonly string[] {
    return [this.log.source];
  }

  async read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null> {
    const taken = await this.puller.take(maxMessages, maxWaitMs);
    if (taken === null) return null;
    const messages = taken.map(({ message }) => message);
    this.given = messages.at(-1)?.position.sequence ?? this.given;
    return { messages, ack: () => {} };
  }

  async progress(): Promise<readonly SourceProgress[]> {
    const { source } = this.log;
    const acknowledged = this.given;
    const last = (await this.log.look()).state.last_seq;
    const next = acknowledged < last ? await this.log.firstAfter(acknowledged, this.subjects) : null;
    return [{ source, acknowledged, last, next }];
  }

  async close(): Promise<void> {
    this.endListening();
    this.puller.close();
    this.forget();
  }

  /** Takes what follows the last message of this consumer; anything else means that one is missing. */
  private deliver(message: Msg): Delivered | null {
    const delivery = deliveryOf(message.reply ?? '');
    const { consumer, deliverySequence, streamSequence } = delivery;
    if (consumer !== this.consumer) return null;
    if (deliverySequence !== this.delivered + 1) {
      this.puller.interrupt(null);
      return null;
    }
    this.delivered = deliverySequence;
    // The last ones come in their order: another consumer goes on after this one.
    this.lastAlone = false;
    this.came = streamSequence;
    this.log.highest = streamSequence;
    return readDelivered(message, delivery, this.log.source, this.log.place.root);
  }

  private async mend(trouble: FulcrumError | null): Promise<void> {
    if (trouble?.code === 'denied' || trouble?.code === 'mismatch') throw trouble;
    await this.log.look();
    this.forget();
    await this.attach();
  }

  /** @param since where to begin, seconds since the epoch; null: after the last message that came. */
  private async attach(since: number | null = null): Promise<void> {
    const { stream } = this.log.place;
    const config: Partial<ConsumerConfig> = {
      ack_policy: AckPolicy.None,
      ...this.begins(since),
      filter_subject: this.subjects,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(forgottenAfterMs),
    };
    const { name, delivered } = await this.link.ask(`follow stream ${stream}`, () =>
      this.link.manager.consumers.add(stream, config),
    );
    if (since !== null) {
      // What it counts as delivered lies before that time.
      this.came = delivered.stream_seq;
      this.given = this.came;
    }
    this.consumer = name;
    this.delivered = 0;
    this.puller.aim(name);
  }

  /** Where a consumer begins: where the last one was, unless it is the first. */
  private begins(since: number | null): Partial<ConsumerConfig> {
    if (this.lastAlone) return { deliver_policy: DeliverPolicy.LastPerSubject };
    if (since === null) return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.came + 1 };
    return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(since * 1_000).toISOString() };
  }

  /** The server would forget it by itself, later. */
  private forget(): void {
    const { consumer } = this;
    this.consumer = '';
    if (consumer === '' || !this.link.up) return;
    void this.link.manager.consumers.delete(this.log.place.stream, consumer).catch(() => {});
  }
}

/** The last position that is not wanted. */
function afterOf(from: Follow['from'], source: string, last: number): number {
  if (from === 'start' || from === 'last') return 0;
  if (from === 'now') return last;
  return 'since' in from ? 0 : (from.get(source) ?? 0);
}
