/** The options of `connectFleet`, checked and completed once. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Config, configSchema } from '../config/schema.js';
import { kafkaOptions, natsOptions } from '../config/servers.js';
import { FulcrumError } from '../errors.js';
import { brokenNameRule, defaultTenant, tenantSchema } from '../events/schemas.js';
import { suggestion } from '../nearest.js';
import type { WhenStale } from './circuits.js';
import { type Classifier, OutcomeClassifier } from './classifier.js';
import type { FleetOptions, HttpSettings, ProbeRedisSettings, StatusListener } from './options.js';

/** Options with nothing left to decide. */
export interface CompleteOptions {
  readonly server: FleetServer;
  readonly redis: ProbeRedisSettings | null;
  readonly tenant: string;
  readonly whenStale: WhenStale;
  readonly staleAfterMs: number;
  readonly buffer: {
    readonly maxEvents: number;
    readonly maxBytes: number;
    readonly whenFull: 'wait' | 'dropOldest';
  };
  readonly probeLeaseMs: number;
  readonly classifier: Classifier;
  readonly source: string;
  readonly instance: string;
  readonly requireServer: boolean;
  readonly connectWithinMs: number;
  readonly flushOnExit: boolean;
  readonly onStatus: StatusListener;
}

export type FleetServer =
  | { readonly kind: 'nats'; readonly options: ReturnType<typeof natsOptions> }
  | { readonly kind: 'kafka'; readonly options: ReturnType<typeof kafkaOptions> }
  | { readonly kind: 'http'; readonly options: HttpSettings };

const text = z.string().min(1);
const list = z.union([
  text.transform((value) => value.split(',').map((one) => one.trim())),
  z.array(text).min(1),
]);
const ms = z
  .number('must be a number of milliseconds')
  .positive('must be above 0')
  .max(2 ** 31 - 1, 'must be below 2^31');
const count = z.int('must be a whole number').positive('must be above 0');
const whenStaleRule = "must be 'failOpen' or 'failClosed': what happens while circuits cannot be known";

/** A client shares its group with nobody: the sooner it hears that a broker is gone, the better. */
const watchSessionMs = 10_000;

const fleetSchema = z.strictObject({
  nats: settings(list, 'servers', configSchema.shape.nats),
  kafka: settings(list, 'brokers', configSchema.shape.kafka, { sessionTimeoutMs: watchSessionMs }),
  http: settings(text, 'url', z.strictObject({ url: text, headers: z.record(text, z.string()).optional() })),
  redis: settings(
    text,
    'url',
    z.strictObject({
      url: text,
      prefix: text.optional(),
      caFile: text.optional(),
      certFile: text.optional(),
      keyFile: text.optional(),
    }),
  ),
  tenant: tenantSchema.default(defaultTenant),
  whenStale: z.enum(['failOpen', 'failClosed'], { error: whenStaleRule }),
  staleAfterMs: ms.or(z.literal(0)).default(5_000),
  buffer: z
    .strictObject({
      maxEvents: count.default(10_000),
      maxBytes: count.default(64 * 1024 * 1024),
      whenFull: z.enum(['wait', 'dropOldest'], { error: "must be 'wait' or 'dropOldest'" }).default('wait'),
    })
    .prefault({}),
  probeLeaseMs: ms.min(1_000, 'must be at least 1000').max(600_000, 'must be at most 600000').default(30_000),
  classifier: z
    .custom<Classifier>(
      (value) => typeof (value as Partial<Classifier> | null)?.classify === 'function',
      'must have a method classify(prior, output)',
    )
    .optional(),
  source: z
    .string()
    .refine(
      (source) => brokenNameRule(source, 256) === null,
      'must be 1 to 256 characters, without control characters',
    )
    .default('fulcrum-trust/client'),
  requireServer: z.boolean().default(true),
  connectWithinMs: ms.default(30_000),
  flushOnExit: z.boolean().default(true),
  onStatus: z.custom<StatusListener>((value) => typeof value === 'function', 'must be a function').optional(),
});

/** An address alone, in its key, or all settings; over defaults of a client. */
function settings<T extends z.ZodType>(address: z.ZodType, key: string, schema: T, defaults: object = {}) {
  return z.preprocess((value, context) => {
    if (typeof value !== 'string' && !Array.isArray(value))
      return typeof value === 'object' && value !== null ? { ...defaults, ...value } : value;
    const parsed = address.safeParse(value);
    if (parsed.success) return { ...defaults, [key]: parsed.data };
    context.addIssue({ code: 'custom', message: `must be an address, or settings with ${key}` });
    return z.NEVER;
  }, schema.optional());
}

/** @throws FulcrumError `usage` naming the option, its value and the rule */
export function completeOptions(options: FleetOptions): CompleteOptions {
  const parsed = fleetSchema.safeParse(options);
  if (!parsed.success) throw refusal(parsed.error, options);
  const { nats, kafka, http, redis, classifier, onStatus, ...rest } = parsed.data;
  return {
    ...rest,
    server: serverOf(nats, kafka, http),
    redis: redis ?? null,
    classifier: classifier ?? new OutcomeClassifier(),
    instance: randomUUID(),
    onStatus: onStatus ?? (() => {}),
  };
}

function serverOf(
  nats: Config['nats'] | undefined,
  kafka: Config['kafka'] | undefined,
  http: HttpSettings | undefined,
): FleetServer {
  const servers: FleetServer[] = [];
  if (nats !== undefined) servers.push({ kind: 'nats', options: natsOptions({ nats }) });
  if (kafka !== undefined) servers.push({ kind: 'kafka', options: kafkaOptions({ kafka }) });
  if (http !== undefined) servers.push({ kind: 'http', options: http });
  const [server] = servers;
  if (server !== undefined && servers.length === 1) return server;
  const named =
    servers.length === 0 ? 'none is named' : `${servers.map(({ kind }) => kind).join(' and ')} are named`;
  throw new FulcrumError(
    'usage',
    `connectFleet: name one of nats, kafka and http, ${named} (redis has the leases of probes alone)`,
  );
}

/** Where an unknown key may have been mistyped. */
const shapes: Readonly<Record<string, object>> = {
  '': fleetSchema.shape,
  nats: configSchema.shape.nats.unwrap().shape,
  kafka: configSchema.shape.kafka.unwrap().shape,
};

function refusal(error: z.ZodError, options: unknown): FulcrumError {
  if (typeof options !== 'object' || options === null)
    return new FulcrumError('usage', 'connectFleet: options must be an object');
  const [issue] = error.issues;
  const path = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = Object.keys(shapes[path.join('.')] ?? {});
    return new FulcrumError(
      'usage',
      `connectFleet: there is no option ${[...path, key].join('.')}${suggestion(key, known)}`,
    );
  }
  const value = path.reduce<unknown>(
    (at, key) => (at as Record<string, unknown> | undefined)?.[key],
    options,
  );
  const got =
    typeof value === 'object' || typeof value === 'function'
      ? ''
      : `, got ${JSON.stringify(value) ?? 'nothing'}`;
  return new FulcrumError(
    'usage',
    `connectFleet: ${path.join('.') || 'options'} ${issue?.message ?? ''}${got}`,
    {
      cause: error,
    },
  );
}
