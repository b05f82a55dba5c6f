import type { TestServer } from '../../test/servers/server.js';

/** A stream or topic full of interactions, that each reader reads from its beginning. */
export interface FilledLog {
  readonly system: 'nats' | 'kafka';
  readonly server: TestServer;
  readonly address: string;
  readonly events: number;
  readonly pairs: number;
  /** What `fulcrum-trust process` is told beside the addresses, to be this reader. */
  settings(reader: string): readonly string[];
  readonly naives: readonly NaivePipeline[];
  /** How many events are acknowledged for this reader, without a gap. @throws while nothing knows of it */
  acknowledged(reader: string): Promise<number>;
  /** Takes the server's memory of a reader away. */
  forget(reader: string): Promise<void>;
  close(): Promise<void>;
}

/** What one would write first, as a program of `bench/naive`. */
export interface NaivePipeline {
  readonly name: string;
  readonly what: string;
  readonly file: string;
  /** Its arguments as this reader. */
  args(reader: string, redis: string): readonly string[];
}

/** A server of streams, to publish to and to hear circuit events of. */
export interface LiveLog {
  readonly system: 'nats' | 'kafka';
  readonly server: TestServer;
  readonly address: string;
  /** Sends interactions and does not wait for the server. */
  send(bodies: readonly KeyedBody[]): void;
  /** Calls for each circuit event as it comes, on a connection of its own. */
  onCircuit(heard: (body: Uint8Array) => void): Promise<void>;
  close(): Promise<void>;
}

export interface KeyedBody {
  /** Pair id. */
  readonly key: string;
  readonly body: Buffer;
}
