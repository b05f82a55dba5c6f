/** What can be set, and the defaults. */
import { z } from 'zod';
import { defaultTenant, tenantSchema } from '../events/schemas.js';
import { defaultPrefix } from '../store/redis/layout.js';
import { defaultKafkaOptions } from '../streams/kafka/options.js';
import { defaultNatsOptions } from '../streams/nats/options.js';
import { openings, probeKinds, trustConfigKnobs } from '../trust/config.js';

const wordSchema = <const W extends string>(words: readonly W[]) =>
  z
    .enum(words, { error: ({ input }) => `must be one of ${words.join(', ')}, got ${JSON.stringify(input)}` })
    .optional();

/** What a knob may be is the trust model's to say; here it only has to be a number or null. */
const knobSchema = z
  .preprocess(
    (value) => (value === 'Infinity' ? Number.POSITIVE_INFINITY : value),
    z.custom<number | null | undefined>(
      (value) => value === null || value === undefined || typeof value === 'number',
      'must be a number or null',
    ),
  )
  .optional();
type NumericKnob = Exclude<(typeof trustConfigKnobs)[number], 'opening' | 'probes'>;
const trustSchema = z.strictObject({
  ...(Object.fromEntries(trustConfigKnobs.map((knob) => [knob, knobSchema])) as Record<
    NumericKnob,
    typeof knobSchema
  >),
  opening: wordSchema(openings),
  probes: wordSchema(probeKinds),
});

const policySchema = z.strictObject({
  name: z.string().min(1),
  match: z
    .strictObject({ tenant: z.string().optional(), agents: z.tuple([z.string(), z.string()]).optional() })
    .default({}),
  trust: trustSchema.default({}),
  enforced: z.boolean().default(true),
});

const text = z.string().min(1);
const path = text.nullable().default(null);
const texts = z.array(text).min(1);

const natsSchema = z.strictObject({
  servers: texts.default([...defaultNatsOptions.servers]).describe('nats://host:port or tls://host:port'),
  user: text.nullable().default(null),
  password: text.nullable().default(null),
  token: text.nullable().default(null),
  nkeySeedFile: path.describe('file of an nkey seed'),
  credsFile: path.describe('file of a JWT and its seed'),
  caFile: path.describe('PEM of the authorities that are trusted'),
  certFile: path.describe('PEM of the own certificate'),
  keyFile: path.describe('PEM of its key'),
  streams: z
    .strictObject({
      interactions: text.default(defaultNatsOptions.streams.interactions),
      commands: text.default(defaultNatsOptions.streams.commands),
      circuits: text.default(defaultNatsOptions.streams.circuits),
      deadLetters: text.default(defaultNatsOptions.streams.deadLetters),
    })
    .prefault({}),
  probesBucket: text
    .default(defaultNatsOptions.probesBucket)
    .describe('bucket in which clients agree on who probes'),
  subjectPrefix: text.default(defaultNatsOptions.subjectPrefix),
  durable: text.default(defaultNatsOptions.durable).describe('name of the consumers that processors share'),
  ackWaitSeconds: z.number().positive().default(defaultNatsOptions.ackWaitSeconds),
  maxAckPending: z.int().positive().default(defaultNatsOptions.maxAckPending),
  replicas: z.int().min(1).max(5).default(defaultNatsOptions.replicas).describe('of streams that are made'),
  interactionsMaxAgeSeconds: z.number().positive().default(defaultNatsOptions.interactionsMaxAgeSeconds),
});

const kafkaSchema = z.strictObject({
  brokers: texts.default([...defaultKafkaOptions.brokers]).describe('host:port of some brokers'),
  clientId: text.default(defaultKafkaOptions.clientId),
  groupId: text.default(defaultKafkaOptions.groupId).describe('group that processors share'),
  tls: z.boolean().default(false),
  caFile: path.describe('PEM of the authorities that are trusted'),
  certFile: path.describe('PEM of the own certificate'),
  keyFile: path.describe('PEM of its key'),
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).default('plain').describe('of SASL'),
  username: text.nullable().default(null).describe('of SASL'),
  password: text.nullable().default(null).describe('of SASL'),
  topics: z
    .strictObject({
      interactions: text.default(defaultKafkaOptions.topics.interactions),
      commands: text.default(defaultKafkaOptions.topics.commands),
      circuits: text.default(defaultKafkaOptions.topics.circuits),
      deadLetters: text.default(defaultKafkaOptions.topics.deadLetters),
    })
    .prefault({}),
  partitions: z.int().positive().default(defaultKafkaOptions.partitions).describe('of topics that are made'),
  replicationFactor: z
    .int()
    .default(defaultKafkaOptions.replicationFactor)
    .describe('-1: as the broker has it'),
  epoch: z
    .int()
    .nonnegative()
    .default(defaultKafkaOptions.epoch)
    .describe('raise it when a topic was recreated'),
  sessionTimeoutMs: z.int().positive().default(defaultKafkaOptions.sessionTimeoutMs),
  retentionMs: z.int().positive().default(defaultKafkaOptions.retentionMs),
});

const redisSchema = z.strictObject({
  url: text
    .default('redis://127.0.0.1:6379')
    .describe(
      'redis://, rediss://, redis+sentinel://host:port/master or redis+cluster://host:port,host:port',
    ),
  prefix: text.default(defaultPrefix).describe('what every key begins with'),
  shards: z
    .int()
    .min(1)
    .max(4_096)
    .nullable()
    .default(null)
    .describe('fixed when the state is made; null: 16'),
  replaySpan: z
    .int()
    .positive()
    .default(1_000_000)
    .describe('positions below the acknowledged one that are told apart'),
  caFile: path.describe('PEM of the authorities that are trusted'),
  certFile: path.describe('PEM of the own certificate'),
  keyFile: path.describe('PEM of its key'),
});

const projectionSchema = z.strictObject({
  tenant: tenantSchema.default(defaultTenant).describe('whose agents are projected'),
  agentKeys: z.boolean().default(true).describe('write agent:{id}:circuit_state and agent:{id}:trust_score'),
  redisUrl: text.nullable().default(null).describe('one server for those keys; null: redis.url'),
  telemetry: z
    .boolean()
    .nullable()
    .default(null)
    .describe('tell of agents on core NATS (nats.servers); null: when NATS is the source'),
});

export const configSchema = z.strictObject({
  dataDir: z.string().min(1).default('fulcrum-data').describe('folder of the embedded store'),
  http: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1').describe('address to listen on'),
      port: z.int().min(0).max(65_535).default(4747).describe('port to listen on, 0 for a free one'),
      maxBodyBytes: z
        .int()
        .positive()
        .default(16 * 1024 * 1024)
        .describe('largest request body'),
    })
    .prefault({}),
  trust: trustSchema.default({}).describe('knobs of the trust model for pairs that no policy matches'),
  policies: z.array(policySchema).default([]).describe('the first that matches a pair holds'),
  timedRecovery: z.boolean().default(true).describe('circuits of silent pairs recover by time'),
  limits: z
    .strictObject({
      maxEventBytes: z
        .int()
        .positive()
        .default(256 * 1024)
        .describe('largest event'),
      maxFutureSeconds: z
        .number()
        .nonnegative()
        .default(300)
        .describe('how far in the future an event may lie'),
    })
    .prefault({}),
  processor: z
    .strictObject({
      maxBatch: z.int().positive().max(10_000).default(512).describe('most events of one atomic step'),
    })
    .prefault({}),
  nats: natsSchema.prefault({}),
  kafka: kafkaSchema.prefault({}),
  redis: redisSchema.prefault({}),
  projection: projectionSchema.prefault({}),
  log: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    })
    .prefault({}),
});

export type Config = DeepReadonly<z.infer<typeof configSchema>>;

export type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
