import type { Channel } from '../../src/ports.js';
import type { TestServer } from '../servers/server.js';
import type { Sent } from './load.js';

/** A record of a log, as a plain client of the broker reads it. */
export interface LogRecord {
  readonly channel: Channel;
  /** Stream, or topic and partition. */
  readonly log: string;
  readonly position: number;
  /** Of the subject; null where there is none. */
  readonly tenant: string | null;
  /** When the broker took it, seconds since the epoch. */
  readonly receivedAt: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export const channels: readonly Channel[] = ['interactions', 'commands', 'circuits', 'dead-letters'];

/** A broker of the driver's own, and what the driver does with it, by the plain client library. */
export interface ChaosBroker {
  readonly source: 'nats' | 'kafka';
  readonly server: TestServer;
  /** Arguments of `process` that name it. */
  readonly args: readonly string[];
  /** Resolves when the broker has them all, however long it is away. */
  publish(batch: readonly Sent[]): Promise<void>;
  /** How many messages are not acknowledged by the processors. @throws Error while the broker does not answer */
  lag(): Promise<number>;
  /** All records after those that were read before, up to where the logs end now; each log in its order. */
  read(): AsyncIterable<LogRecord>;
  close(): Promise<void>;
}
