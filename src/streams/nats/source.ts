import { type ConsumerInfo, type Msg, millis } from 'nats';
import { FulcrumError } from '../../errors.js';
import type { LogSource, SourceBatch, SourceProgress } from '../../ports.js';
import { giveBack, HeldMessages, repliesTo } from './held.js';
import type { Link } from './link.js';
import { lostToRetention, StreamLog } from './log.js';
import { type Delivered, deliveryOf, readDelivered } from './messages.js';
import type { NatsOptions } from './options.js';
import { type Place, placeOf } from './places.js';
import { Puller } from './puller.js';
import { ensureConsumer, ensureStream, findConsumer } from './streams.js';

/** A stream that is read through its durable consumer, by any number of processes together. */
export class NatsSource implements LogSource {
  readonly system = 'nats';
  readonly headerPrefix = 'ce-';
  readonly name: string;
  private readonly puller: Puller;
  private readonly held: HeldMessages;
  private readonly endListening: () => void;
  private closed = false;
  /** The delivery that came last, as its consumer counts them. */
  private delivered = 0;
  private lostBefore = 0;
  private lostNow = 0;

  private constructor(
    private readonly link: Link,
    private readonly log: StreamLog,
    private readonly durable: string,
    ackWaitMs: number,
  ) {
    const { stream } = log.place;
    this.name = `nats:${stream}`;
    this.puller = new Puller({
      link,
      name: this.name,
      stream,
      consumer: durable,
      mend: async (trouble) => {
        await this.progress();
        if (trouble !== null) throw trouble;
      },
      deliver: (message) => this.deliver(message),
      late: (reply) => giveBack(link, [reply]),
    });
    this.held = new HeldMessages(link, () => this.puller.prefetched, ackWaitMs);
    this.endListening = link.listen({
      closing: async () => {
        await this.close();
        this.held.stop();
      },
    });
  }

  /** @throws FulcrumError `mismatch` when stream or consumer are there and not as they have to be */
  static async open(link: Link, options: NatsOptions, channel: Place['channel']): Promise<NatsSource> {
    const place = placeOf(options, channel);
    const { created } = await ensureStream(link, options, place);
    const consumer = await ensureConsumer(link, options, place);
    const ackWaitMs = millis(consumer.config.ack_wait ?? 0) || options.ackWaitSeconds * 1_000;
    const source = new NatsSource(link, new StreamLog(link, place, created), options.durable, ackWaitMs);
    try {
      await source.progress();
    } catch (error) {
      await source.close();
      throw error;
    }
    return source;
  }

  /** Messages that the stream removed before they were acknowledged. */
  get lost(): number {
    return this.lostBefore + this.lostNow;
  }

  logs(): readonly string[] {
    return [this.log.source];
  }

  async read(maxMessages: number, maxWaitMs: number): Promise<SourceBatch | null> {
    const taken = await this.puller.take(maxMessages, maxWaitMs);
    if (taken === null) return null;
    if (taken.length === 0) return { messages: [], ack: () => {} };
    const acknowledge = this.held.hold(taken);
    return {
      messages: taken.map(({ message }) => message),
      ack: (done) => {
        this.link.require();
        acknowledge(done);
        this.restWhenDone();
      },
    };
  }

  /** @throws FulcrumError `mismatch` when stream or consumer are not those that are read any more */
  async progress(): Promise<readonly SourceProgress[]> {
    const { place, source } = this.log;
    const [stream, consumer] = await Promise.all([
      this.log.look(),
      findConsumer(this.link, place, this.durable),
    ]);
    if (consumer === null)
      throw new FulcrumError(
        'mismatch',
        `nats consumer ${this.durable} of stream ${place.stream}: was deleted while it was read: start again`,
      );
    this.noticeLoss(lostToRetention(stream, consumer));
    return [await this.progressOf(source, stream.state.last_seq, consumer)];
  }

  async close(): Promise<void> {
    this.closed = true;
    giveBack(this.link, repliesTo(this.puller.close()));
    this.restWhenDone();
  }

  private deliver(message: Msg): Delivered {
    const { log } = this;
    const delivery = deliveryOf(message.reply ?? '');
    // Another consumer, of a stream that may have been made anew: that is looked at before this is read.
    if (delivery.deliverySequence <= this.delivered) this.puller.interrupt(null);
    this.delivered = delivery.deliverySequence;
    log.highest = Math.max(log.highest, delivery.streamSequence);
    return readDelivered(message, delivery, log.source, log.place.root);
  }

  private async progressOf(source: string, last: number, consumer: ConsumerInfo): Promise<SourceProgress> {
    const acknowledged = consumer.ack_floor.stream_seq;
    const next =
      acknowledged < last ? await this.log.firstAfter(acknowledged, this.log.place.subjects) : null;
    return { source, acknowledged, last: Math.max(last, acknowledged), next };
  }

  private noticeLoss(lost: number): void {
    if (lost > 0 && this.lost === 0)
      this.link.onStatus(
        `${this.name}: retention overtook ${this.durable}, ${lost} messages were removed before they were read: ` +
          'keep them longer, or add processors',
        'error',
      );
    if (lost < this.lostNow) this.lostBefore += this.lostNow;
    this.lostNow = lost;
  }

  private restWhenDone(): void {
    if (!this.closed || !this.held.isEmpty) return;
    this.held.stop();
    this.endListening();
  }
}
