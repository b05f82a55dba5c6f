import type { Broker, Channel, EventSink, SinkMessage } from '../../../src/ports.js';
import { calmNetwork, type Place, type SimProcess, unavailable } from '../process.js';
import type { World } from '../world.js';
import type { Consumer, ConsumerSettings } from './consumer.js';
import { following } from './follower.js';
import { GroupConsumer } from './group-consumer.js';
import { Log, type Logged } from './log.js';
import { Reader } from './reader.js';
import { SharedConsumer } from './shared-consumer.js';

export interface BusSettings extends ConsumerSettings {
  /** Like JetStream, each message acknowledged by itself; or like Kafka, by partition. */
  readonly kind: 'stream' | 'partitions';
  readonly duplicateWindowMs: number;
}

type Consumed = 'interactions' | 'commands';

/** Sees what happens at the broker. */
export interface BusWatch {
  /** For the first time. */
  acknowledged(log: Log, message: Logged): void;
  published(log: Log, message: Logged): void;
}

export type Connection = Pick<Broker, 'sink' | 'follow' | 'standing'> & {
  consume(channel: Consumed): Reader;
};

const partitions = 3;

/** A broker: four channels, and the consumers that processors share. */
export class Bus implements Place {
  readonly name = 'bus';
  away = false;
  readonly network = calmNetwork();
  readonly logs: Readonly<Record<Channel, readonly Log[]>>;
  readonly consumers: Readonly<Record<Consumed, Consumer>>;

  constructor(
    readonly world: World,
    private readonly settings: BusSettings,
    private readonly watch: BusWatch,
  ) {
    this.logs = {
      interactions: this.makeLogs('interactions'),
      commands: this.makeLogs('commands'),
      circuits: this.makeLogs('circuits'),
      'dead-letters': this.makeLogs('dead-letters'),
      analyses: this.makeLogs('analyses'),
    };
    this.consumers = {
      interactions: this.makeConsumer('interactions'),
      commands: this.makeConsumer('commands'),
    };
  }

  /** The broker as one process has it. */
  connect(process: SimProcess): Connection {
    return {
      sink: this.sink(process),
      consume: (channel) => new Reader(process, this, this.consumers[channel].join(process)),
      follow: (channel, from) =>
        process.call(
          this,
          `follow ${channel}`,
          () => new Reader(process, this, following(process, this, this.logs[channel], from)),
        ),
      standing: (channel) =>
        process.call(this, `ask how ${channel} stand`, () => this.consumers[channel as Consumed].standing()),
    };
  }

  /** All that a channel holds, in the order of each log. */
  messages(channel: Channel): readonly Logged[] {
    return this.logs[channel].flatMap(({ messages }) => messages);
  }

  /** Null: it was a repeat. */
  append(
    message: Pick<SinkMessage, 'channel' | 'id' | 'tenant' | 'key' | 'headers' | 'body' | 'again'>,
    by: string,
  ): Logged | null {
    const logs = this.logs[message.channel];
    const log = logs[sumOf(`${message.tenant}/${message.key}`) % logs.length] as Log;
    const logged = log.append(message, by);
    if (logged !== null) this.watch.published(log, logged);
    return logged;
  }

  private makeLogs(channel: Channel): readonly Log[] {
    const { kind, duplicateWindowMs } = this.settings;
    const log = (source: string): Log => new Log(this.world, channel, source, duplicateWindowMs);
    if (kind === 'stream') return [log(`bus:${channel}`)];
    return Array.from({ length: partitions }, (_, i) => log(`bus:${channel}-${i}`));
  }

  private makeConsumer(channel: Consumed): Consumer {
    const { world, settings, watch } = this;
    const logs = this.logs[channel];
    const onAcknowledged = (log: Log, message: Logged): void => watch.acknowledged(log, message);
    const [log] = logs;
    if (settings.kind === 'partitions' || log === undefined)
      return new GroupConsumer(world, this, logs, settings, onAcknowledged);
    return new SharedConsumer(world, this, log, settings, onAcknowledged);
  }

  private sink(process: SimProcess): EventSink {
    return {
      publish: (messages) => {
        const what = `publish ${messages.map(({ id }) => id).join(' ')}`;
        return process.call(this, what, () => this.take(messages, process));
      },
    };
  }

  /** Takes them one by one; where it goes away in between, some are there and their sender is told of none. */
  private take(messages: readonly SinkMessage[], { name }: SimProcess): void {
    const { random } = this.world;
    const breaks = random.chance(this.network.lostAnswer / 2);
    const most = breaks ? random.whole(0, messages.length) : messages.length;
    for (const message of messages.slice(0, most)) this.append(message, name);
    if (breaks) throw unavailable(`${this.name} broke off after ${most} of ${messages.length}`);
  }
}

function sumOf(text: string): number {
  let sum = 0;
  for (let i = 0; i < text.length; i++) sum = (31 * sum + text.charCodeAt(i)) >>> 0;
  return sum;
}
