import type {
  Broker,
  Channel,
  Finding,
  FollowFrom,
  Probes,
  ReadChannel,
  Readers,
  SourceStanding,
} from '../../ports.js';
import { checkServer } from './check.js';
import { checkOptions } from './check-options.js';
import { openConnection } from './connect.js';
import { Follower } from './follower.js';
import { Link, type OnStatus } from './link.js';
import { type NatsOptions, optionsOf } from './options.js';
import { NatsProbes } from './probes.js';
import { NatsSink } from './sink.js';
import { NatsSource } from './source.js';
import { standingOf } from './standing.js';

/** NATS JetStream, over one connection that is kept up for ever. */
export class NatsBroker implements Broker {
  readonly system = 'nats';
  readonly sink: NatsSink;
  readonly probes: Probes;

  private constructor(
    private readonly link: Link,
    private readonly options: NatsOptions,
  ) {
    this.sink = new NatsSink(link, options);
    this.probes = new NatsProbes(link, options);
  }

  /**
   * @param onStatus told when the connection is lost and back, and when retention overtook a consumer.
   * @throws FulcrumError `config` for an option that cannot be used, `denied` when the server refuses the
   *   credentials or TLS fails, `unavailable` when no server answers
   */
  static async connect(options: NatsOptions, onStatus: OnStatus = () => {}): Promise<NatsBroker> {
    checkOptions(options);
    const connection = await openConnection(options);
    return new NatsBroker(await Link.over(connection, onStatus), options);
  }

  consume<R extends Readers = 'processors'>(channel: ReadChannel<R>, by?: R): Promise<NatsSource> {
    return NatsSource.open(this.link, optionsOf(this.options, by ?? 'processors'), channel);
  }

  follow(channel: Channel, from: FollowFrom, tenant?: string): Promise<Follower> {
    return Follower.open(this.link, this.options, { channel, from, tenant });
  }

  prepare(channel: Channel): Promise<void> {
    return this.sink.prepare(channel);
  }

  standing<R extends Readers = 'processors'>(
    channel: ReadChannel<R>,
    by?: R,
  ): Promise<readonly SourceStanding[]> {
    return standingOf(this.link, optionsOf(this.options, by ?? 'processors'), channel);
  }

  check(analysersWrite: readonly Channel[] | null = null): Promise<readonly Finding[]> {
    return checkServer(this.link, this.options, analysersWrite);
  }

  /** Closes the sources, then the connection. */
  close(): Promise<void> {
    return this.link.close();
  }
}
