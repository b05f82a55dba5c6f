/** What `connectFleet` can be told. */
import type { z } from 'zod';
import type { configSchema } from '../config/schema.js';
import type { WhenStale } from './circuits.js';
import type { Classifier } from './classifier.js';

/** Settings of NATS as a config file has them under `nats`. */
export type NatsSettings = z.input<typeof configSchema.shape.nats>;
/** Settings of Kafka as a config file has them under `kafka`. */
export type KafkaSettings = z.input<typeof configSchema.shape.kafka>;

/** A running `fulcrum-trust up`. */
export interface HttpSettings {
  /** e.g. `http://127.0.0.1:4747`. */
  readonly url: string;
  /** Sent with every request, e.g. for what stands before the API. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** A Redis for the leases of probes. */
export interface ProbeRedisSettings {
  /** As `redis.url` of a config file. */
  readonly url: string;
  /** What its keys begin with. @defaultValue `ft` */
  readonly prefix?: string | undefined;
  /** PEM files, where TLS needs more than the system's authorities. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** Where the fleet is: exactly one of `nats`, `kafka` and `http`. */
export interface FleetOptions {
  /** Servers, or settings: `nats://host:port`. */
  readonly nats?: string | readonly string[] | NatsSettings | undefined;
  /** Brokers, or settings: `host:port`. */
  readonly kafka?: string | readonly string[] | KafkaSettings | undefined;
  /** URL of a running `fulcrum-trust up`. */
  readonly http?: string | HttpSettings | undefined;
  /**
   * Redis, for the leases of probes alone. @defaultValue they are in NATS, or with the HTTP server; with Kafka alone
   * there are none, and HALF_OPEN stops like OPEN.
   */
  readonly redis?: string | ProbeRedisSettings | undefined;
  /** @defaultValue `default` */
  readonly tenant?: string | undefined;
  /** What happens while circuits cannot be known; there is no answer that is right for all. */
  readonly whenStale: WhenStale;
  /** How long circuits may be unheard of before `whenStale` decides, in ms. @defaultValue 5000 */
  readonly staleAfterMs?: number | undefined;
  /** What becomes of reports while the server is away. */
  readonly buffer?: BufferOptions | undefined;
  /** How long a probe's right lasts after its call, or after its process died, in ms. @defaultValue 30000 */
  readonly probeLeaseMs?: number | undefined;
  /** What came of a guarded call. @defaultValue `new OutcomeClassifier()` */
  readonly classifier?: Classifier | undefined;
  /** CloudEvents source of the reports: who says it. @defaultValue `fulcrum-trust/client` */
  readonly source?: string | undefined;
  /** false: begin without the server, and connect when it is there. @defaultValue true */
  readonly requireServer?: boolean | undefined;
  /** How long `connectFleet` waits for server and circuits, in ms. @defaultValue 30000 */
  readonly connectWithinMs?: number | undefined;
  /** false: leave SIGINT and SIGTERM alone. @defaultValue true */
  readonly flushOnExit?: boolean | undefined;
  /** Told in a line what becomes of connections and reports. @defaultValue nobody is */
  readonly onStatus?: StatusListener | undefined;
}

/** How many reports may wait for the server, and what happens beyond that. */
export interface BufferOptions {
  /** @defaultValue 10000 */
  readonly maxEvents?: number | undefined;
  /** What they take in memory, about. @defaultValue 67108864 */
  readonly maxBytes?: number | undefined;
  /**
   * `wait`: the promise of `report` resolves when there is room again. `dropOldest`: the oldest reports are let go and
   * counted. @defaultValue `wait`
   */
  readonly whenFull?: 'wait' | 'dropOldest' | undefined;
}

/** Told in one line what happens. */
export type StatusListener = (line: string, level: 'info' | 'warn' | 'error') => void;
