/** What can be set, and the defaults. */
import { z } from 'zod';
import { defaultTenant, tenantSchema } from '../events/schemas.js';
import { largeTokenBudget } from '../rlm/context.js';
import { defaultCallsAtOnce } from '../rlm/model/gate.js';
import { defaultAnswerTokens, defaultModelBounds } from '../rlm/navigate/budget.js';
import { tokenizers } from '../rlm/tokenizer.js';
import { defaultTranscriptBounds } from '../rlm/transcript-bounds.js';
import { defaultPrefix } from '../store/redis/layout.js';
import { defaultTranscriptsPrefix } from '../store/redis/transcripts-layout.js';
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
      analyses: text.default(defaultNatsOptions.streams.analyses),
    })
    .prefault({}),
  probesBucket: text
    .default(defaultNatsOptions.probesBucket)
    .describe('bucket in which clients agree on who probes'),
  subjectPrefix: text.default(defaultNatsOptions.subjectPrefix),
  durable: text.default(defaultNatsOptions.durable).describe('name of the consumers that processors share'),
  analyserDurable: text
    .default(defaultNatsOptions.analyserDurable)
    .describe('name of the consumers that analysers share'),
  ackWaitSeconds: z.number().positive().default(defaultNatsOptions.ackWaitSeconds),
  maxAckPending: z.int().positive().default(defaultNatsOptions.maxAckPending),
  replicas: z.int().min(1).max(5).default(defaultNatsOptions.replicas).describe('of streams that are made'),
  interactionsMaxAgeSeconds: z.number().positive().default(defaultNatsOptions.interactionsMaxAgeSeconds),
});

const kafkaSchema = z.strictObject({
  brokers: texts.default([...defaultKafkaOptions.brokers]).describe('host:port of some brokers'),
  clientId: text.default(defaultKafkaOptions.clientId),
  groupId: text.default(defaultKafkaOptions.groupId).describe('group that processors share'),
  analyserGroupId: text.default(defaultKafkaOptions.analyserGroupId).describe('group that analysers share'),
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
      analyses: text.default(defaultKafkaOptions.topics.analyses),
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

const price = z.number().nonnegative().default(0);

const modelSchema = z.strictObject({
  url: text
    .nullable()
    .default(null)
    .describe('base address of an endpoint that speaks chat completions, e.g. http://127.0.0.1:11434/v1'),
  name: text.nullable().default(null).describe('model that analyses; null: none, the rules alone'),
  key: text.nullable().default(null).describe('bearer token; local ones need none'),
  timeoutMs: z.int().positive().max(600_000).default(60_000).describe('of one attempt'),
  attempts: z.int().positive().max(20).default(4).describe('of a call, with growing pauses'),
  callsAtOnce: z.int().positive().max(256).default(defaultCallsAtOnce).describe('of the whole process'),
  cachedAnswers: z.int().nonnegative().default(256),
  promptPrice: price.describe('US dollars a million tokens'),
  answerPrice: price.describe('US dollars a million tokens'),
});

const budget = z.int().positive();

const bytes = z.int().positive();

const analysisSchema = z.strictObject({
  enabled: z
    .boolean()
    .nullable()
    .default(null)
    .describe('keep transcripts and analyse in `up`; null: where it has no broker'),
  tokenBudget: z.int().positive().default(largeTokenBudget).describe('tokens of a transcript at most'),
  tokenizer: z
    .enum(tokenizers)
    .default('whitespace')
    .describe('counts them; those of models need the package gpt-tokenizer'),
  atOnce: z.int().positive().max(64).default(2).describe('analyses of one process at a time'),
  catchUpSeconds: z
    .number()
    .nonnegative()
    .max(10)
    .default(10)
    .describe('how long an analysis waits at most for what was said before'),
  transcripts: z
    .strictObject({
      folder: path.describe('where they are kept, by one process; null: transcripts in dataDir'),
      redisUrl: text
        .nullable()
        .default(null)
        .describe('a Redis for them, for any number of processes; null: the folder'),
      prefix: text.default(defaultTranscriptsPrefix).describe('what their keys begin with'),
      shards: z.int().min(1).max(4_096).default(1).describe('parts of the keys; more for a cluster'),
      bytesPerPair: bytes.default(defaultTranscriptBounds.bytesPerPair).describe('of text'),
      bytesInTotal: bytes.default(defaultTranscriptBounds.bytesInTotal).describe('of text'),
      maxAgeSeconds: z.number().positive().default(defaultTranscriptBounds.maxAgeSeconds),
    })
    .prefault({}),
  feedback: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .describe('count a loop as a failure of the pair, none as a success'),
      weight: z.number().positive().max(100).default(1).describe('of that outcome'),
    })
    .prefault({}),
  traces: path.describe('folder of the traces of runs with a model; null: none'),
  answerTokens: z
    .strictObject({
      program: z.int().positive().default(defaultAnswerTokens.program),
      sub: z.int().positive().default(defaultAnswerTokens.sub),
    })
    .prefault({})
    .describe('of an answer at most; a model that thinks before it answers needs more'),
  budget: z
    .strictObject({
      steps: budget.default(defaultModelBounds.steps).describe('calls of primitives'),
      peekedBytes: budget.default(defaultModelBounds.peekedBytes).describe('what programs are given'),
      modelCalls: budget.default(defaultModelBounds.modelCalls),
      tokens: budget.default(defaultModelBounds.tokens).describe('of the model, prompts and answers'),
      cost: z.number().nonnegative().default(defaultModelBounds.cost).describe('US dollars'),
      wallMs: budget.max(3_600_000).default(defaultModelBounds.wallMs),
    })
    .prefault({})
    .describe('what one analysis with a model may take'),
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
  model: modelSchema.prefault({}),
  analysis: analysisSchema.prefault({}),
  log: z
    .strictObject({
      level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    })
    .prefault({}),
});

export type Config = DeepReadonly<z.infer<typeof configSchema>>;

export type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
