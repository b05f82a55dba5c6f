import type {
  Broker,
  Channel,
  EventSink,
  FollowFrom,
  LogSource,
  SinkMessage,
  SourceMessage,
  SourceProgress,
  SourceStanding,
} from '../../../src/ports.js';
import { calmNetwork, type Place, type SimProcess, unavailable } from '../process.js';
import { beginning, type World } from '../world.js';
import { type ConsumerSettings, SharedConsumer } from './consumer.js';
import { Log, type Logged } from './log.js';
import { Reader, type Reading } from './reader.js';

export interface BusSettings extends ConsumerSettings {
  readonly duplicateWindowMs: number;
}

type Consumed = 'interactions' | 'commands';

/** Sees what happens at the broker. */
export interface BusWatch {
  /** For the first time. */
  acknowledged(log: Log, message: Logged): void;
  published(log: Log, message: Logged): void;
}

/** A broker: four logs, and the consumers that processors share. */
export class Bus implements Place {
  readonly name = 'bus';
  away = false;
  readonly network = calmNetwork();
  readonly logs: Record<Channel, Log>;
  readonly consumers: Record<Consumed, SharedConsumer>;

  constructor(
    readonly world: World,
    settings: BusSettings,
    private readonly watch: BusWatch,
  ) {
    const log = (channel: Channel): Log =>
      new Log(world, channel, `bus:${channel}`, settings.duplicateWindowMs);
    this.logs = {
      interactions: log('interactions'),
      commands: log('commands'),
      circuits: log('circuits'),
      'dead-letters': log('dead-letters'),
    };
    const consumer = (of: Log): SharedConsumer =>
      new SharedConsumer(world, of, settings, (message) => watch.acknowledged(of, message));
    this.consumers = {
      interactions: consumer(this.logs.interactions),
      commands: consumer(this.logs.commands),
    };
  }

  /** The broker as one process has it. */
  connect(
    process: SimProcess,
  ): Pick<Broker, 'sink' | 'follow' | 'standing'> & { consume(channel: Consumed): Reader } {
    return {
      sink: this.sink(process),
      consume: (channel) => new Reader(process, this, this.shared(process, channel)),
      follow: (channel, from) => this.follow(process, channel, from),
      standing: (channel) =>
        process.call(this, `ask how ${channel} stand`, (): readonly SourceStanding[] => [
          this.consumers[channel].standing(),
        ]),
    };
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
    for (const message of messages.slice(0, most)) {
      const log = this.logs[message.channel];
      const logged = log.append(message, name);
      if (logged !== null) this.watch.published(log, logged);
    }
    if (breaks) throw unavailable(`${this.name} broke off after ${most} of ${messages.length}`);
  }

  private shared(process: SimProcess, channel: Consumed): Reading {
    const consumer = this.consumers[channel];
    const { log } = consumer;
    const held = new Set<number>();
    const holder = { holds: (sequence: number) => process.alive && !process.paused && held.has(sequence) };
    return {
      name: log.source,
      comesAgain: true,
      logs: () => [log.source],
      take: (most) => {
        const taken = consumer.take(holder, most);
        return {
          messages: taken.map((message) => log.message(message)),
          arrived: () => {
            for (const { sequence } of taken) held.add(sequence);
          },
          acknowledge: (done) => {
            for (const { position } of done) held.delete(position.sequence);
            this.acknowledge(process, consumer, done);
          },
        };
      },
      wait: (wake) => consumer.wait(wake),
      progress: () => this.progress(process, consumer),
      close: () => {},
    };
  }

  /** Sent and not waited for, each by itself: some may get lost. */
  private acknowledge(process: SimProcess, consumer: SharedConsumer, done: readonly SourceMessage[]): void {
    const { random } = this.world;
    const { network } = this;
    for (const { position } of done) {
      if (random.chance(network.lostRequest + network.lostAnswer)) continue;
      this.world.after(process.latencyTo(this), () => {
        if (!this.away) consumer.acknowledge(position.sequence);
      });
    }
    this.world.note(
      process.name,
      () =>
        `acknowledges ${done.map(({ position }) => position.sequence).join(' ')} of ${consumer.log.source}`,
    );
  }

  /** Asked in two questions: more may have happened in between. */
  private async progress(process: SimProcess, consumer: SharedConsumer): Promise<readonly SourceProgress[]> {
    const { log } = consumer;
    const { source, acknowledged, last } = await process.call(
      this,
      `ask for the progress of ${log.source}`,
      () => consumer.standing(),
    );
    const next =
      acknowledged < last
        ? await process.call(
            this,
            `read the first after ${acknowledged}`,
            () => log.at(acknowledged + 1) ?? null,
          )
        : null;
    return [
      {
        source,
        acknowledged,
        last: Math.max(last, acknowledged),
        next: next === null ? null : log.message(next),
      },
    ];
  }

  private async follow(process: SimProcess, channel: Channel, from: FollowFrom): Promise<LogSource> {
    const log = this.logs[channel];
    let given = await process.call(this, `follow ${log.source}`, () => startOf(log, from));
    const reading: Reading = {
      name: log.source,
      comesAgain: false,
      logs: () => [log.source],
      take: (most) => {
        const messages = log.messages.slice(given, given + most);
        given += messages.length;
        return { messages: messages.map((message) => log.message(message)), acknowledge: () => {} };
      },
      wait: (wake) => log.listen(wake),
      progress: async () => {
        const last = await process.call(this, `ask where ${log.source} ends`, () => log.last);
        const next = log.at(given + 1);
        return [
          {
            source: log.source,
            acknowledged: given,
            last,
            next: next === undefined ? null : log.message(next),
          },
        ];
      },
      close: () => {},
    };
    return new Reader(process, this, reading);
  }
}

/** The last position that is not wanted. */
function startOf(log: Log, from: FollowFrom): number {
  if (from === 'start') return 0;
  if (from === 'now') return log.last;
  if ('since' in from) {
    const sinceMs = (from.since - beginning) * 1_000;
    const first = log.messages.find(({ atMs }) => atMs >= sinceMs);
    return first === undefined ? log.last : first.sequence - 1;
  }
  return from.get(log.source) ?? 0;
}
