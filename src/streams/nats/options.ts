import type { Readers } from '../../ports.js';

export interface NatsTls {
  /** PEM file of the authorities that are trusted; null: those of Node. */
  readonly caFile: string | null;
  /** PEM files of the client's own certificate and key, for servers that ask for one. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

/** The names of the JetStream streams. */
export interface NatsStreams {
  readonly interactions: string;
  readonly commands: string;
  readonly circuits: string;
  readonly deadLetters: string;
  readonly analyses: string;
}

export interface NatsOptions {
  /** `nats://host:port` or `tls://host:port`, tried in any order; may carry `user:password@`. */
  readonly servers: readonly string[];
  readonly user: string | null;
  readonly password: string | null;
  readonly token: string | null;
  /** File that holds an nkey seed. */
  readonly nkeySeedFile: string | null;
  /** File that holds a JWT and its seed; read again on every reconnect. */
  readonly credsFile: string | null;
  /** null: TLS as servers ask for it, with the authorities of Node. */
  readonly tls: NatsTls | null;
  readonly streams: NatsStreams;
  /** The key-value bucket in which clients agree on who is the probe of a pair. */
  readonly probesBucket: string;
  /** Subjects are `<prefix>.interactions.<tenant>` and so on. */
  readonly subjectPrefix: string;
  /** Name of the durable consumers on interactions and commands. */
  readonly durable: string;
  /** The same of analysers, on interactions, circuits and analyses. */
  readonly analyserDurable: string;
  /** After this long without an acknowledgement a message is delivered again. */
  readonly ackWaitSeconds: number;
  /** Most messages that may be delivered and not yet acknowledged, all processors together. */
  readonly maxAckPending: number;
  /** Copies of each stream that is made. */
  readonly replicas: number;
  /** How long a stream of interactions that is made keeps them. */
  readonly interactionsMaxAgeSeconds: number;
}

export const defaultNatsOptions: NatsOptions = {
  servers: ['nats://127.0.0.1:4222'],
  user: null,
  password: null,
  token: null,
  nkeySeedFile: null,
  credsFile: null,
  tls: null,
  streams: {
    interactions: 'FULCRUM_INTERACTIONS',
    commands: 'FULCRUM_COMMANDS',
    circuits: 'FULCRUM_CIRCUITS',
    deadLetters: 'FULCRUM_DEAD_LETTERS',
    analyses: 'FULCRUM_ANALYSES',
  },
  probesBucket: 'FULCRUM_PROBES',
  subjectPrefix: 'fulcrum.trust',
  durable: 'fulcrum-processor',
  analyserDurable: 'fulcrum-analyser',
  ackWaitSeconds: 30,
  maxAckPending: 20_000,
  replicas: 1,
  interactionsMaxAgeSeconds: 7 * 86_400,
};

/** The options under which some readers read: what differs is the name of their consumers. */
export function optionsOf(options: NatsOptions, by: Readers): NatsOptions {
  return by === 'processors' ? options : { ...options, durable: options.analyserDurable };
}
