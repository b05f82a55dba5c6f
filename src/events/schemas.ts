/**
 * Every event that fulcrum-trust takes or emits, as zod schemas. The JSON Schemas of the package are made
 * from these. Messages state the rule alone: the field is named beside them. `meta` says as JSON Schema what a
 * refinement cannot.
 */
import { z } from 'zod';
import { resultSchema } from '../rlm/result.js';
import { circuitStates } from '../trust/circuit.js';
import { openings } from '../trust/config.js';
import type { ChangeTold } from '../trust/explain.js';
import { trustOutcomes } from '../trust/outcome.js';
import { earliestTime, latestTime, parseTime } from './time.js';

export const eventTypes = {
  interaction: 'fulcrum.trust.interaction.v1',
  command: 'fulcrum.trust.command.v1',
  opened: 'fulcrum.trust.circuit.opened.v1',
  halfOpened: 'fulcrum.trust.circuit.half_opened.v1',
  closed: 'fulcrum.trust.circuit.closed.v1',
  terminated: 'fulcrum.trust.circuit.terminated.v1',
  reset: 'fulcrum.trust.circuit.reset.v1',
  analysisRequested: 'fulcrum.trust.analysis.requested.v1',
  analysisCompleted: 'fulcrum.trust.analysis.completed.v1',
} as const;

const text = (what = 'must be a string') =>
  z.string({ error: ({ input }) => (input === undefined ? 'is required' : what) });
const number = (rule: string) =>
  z.number({ error: ({ input }) => (input === undefined ? 'is required' : rule) });

export const longestName = 256;
export const longestId = 1_024;
const control = /\p{Cc}/u;

/** Whether it has at most so many code points. */
const fits = (value: string, most: number): boolean =>
  value.length <= most || (value.length <= 2 * most && [...value].length <= most);

/** Text that names something: it stands in keys, headers and on one line. */
const namingText = (longest: number) =>
  text()
    .superRefine((value, context) => {
      const broken = brokenNameRule(value, longest);
      if (broken !== null) context.addIssue({ code: 'custom', message: broken });
    })
    .meta({ minLength: 1, maxLength: longest });

const plain = /^[ -~]+$/;

/** Which rule of names a text breaks, null when none: one look for most; each rule has its turn for the others. */
export function brokenNameRule(value: string, longest: number): string | null {
  if (value.length <= longest && plain.test(value)) return null;
  if (value.length === 0 || !fits(value, longest)) return `must have 1 to ${longest} characters`;
  if (control.test(value)) return 'must not hold control characters';
  return value.isWellFormed() ? null : 'must be well-formed Unicode';
}

/** An agent's name in an event. `TrustManager` takes longer and stranger ones. */
export const nameSchema = namingText(longestName);

export const defaultTenant = 'default';

const tenantPattern = /^[A-Za-z0-9_-]{1,64}$/;
export const tenantRule = 'must be 1 to 64 of A-Z, a-z, 0-9, _ and -';

export const tenantSchema = text().regex(tenantPattern, tenantRule);

export function isTenant(name: string): boolean {
  return tenantPattern.test(name);
}

export const weightRule = 'must be a number > 0 and <= 100';
export const isWeight = (weight: number): boolean => weight > 0 && weight <= 100;
/** How often an interaction counts that does not say so. */
export const defaultWeight = 1;
const mostAttributes = 32;
const attributesRule = `must be a flat object of at most ${mostAttributes} strings, numbers, booleans or nulls`;

export const attributesSchema = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()], { error: attributesRule }), {
    error: attributesRule,
  })
  .refine((attributes) => Object.keys(attributes).length <= mostAttributes, attributesRule)
  .meta({ maxProperties: mostAttributes });

/** `data` of an interaction event. Fields that it does not name are left out. */
export const interactionDataSchema = z.object({
  tenant: tenantSchema.optional(),
  agent_a: nameSchema,
  agent_b: nameSchema,
  outcome: z.enum(trustOutcomes, {
    error: ({ input }) =>
      input === undefined ? 'is required' : `must be one of ${trustOutcomes.join(', ')}`,
  }),
  session_id: nameSchema.optional(),
  task: text().optional(),
  content: text().optional(),
  weight: number(weightRule)
    .refine(isWeight, weightRule)
    .meta({ exclusiveMinimum: 0, maximum: 100 })
    .default(defaultWeight),
  probe: z.int('must be a whole number').nonnegative('must not be negative').optional(),
  attributes: attributesSchema.optional(),
});

/** `data` of an interaction, before what it leaves out is filled in. */
export type InteractionData = z.input<typeof interactionDataSchema>;

export const commandActions = ['terminate', 'reset'] as const;

/** `data` of an operator's command. */
export const commandDataSchema = z.object({
  tenant: tenantSchema.optional(),
  agent_a: nameSchema,
  agent_b: nameSchema,
  action: z.enum(commandActions, {
    error: ({ input }) =>
      input === undefined ? 'is required' : `must be one of ${commandActions.join(', ')}`,
  }),
  actor: text()
    .refine((actor) => fits(actor, longestName), `must have at most ${longestName} characters`)
    .meta({ maxLength: longestName })
    .default('unknown'),
  reason: text()
    .refine((reason) => fits(reason, 4_096), 'must have at most 4096 characters')
    .meta({ maxLength: 4_096 })
    .default(''),
});

const timeRule = 'must be an RFC 3339 time of the years 0000 to 9999';
const numberTimeRule = `must be seconds since the epoch, from ${earliestTime} to ${latestTime}`;
const inRange = (seconds: number): boolean => seconds >= earliestTime && seconds <= latestTime;
export const isTime = (time: string): boolean => {
  const seconds = parseTime(time);
  return seconds !== null && inRange(seconds);
};

/** A CloudEvents time. */
export const timeSchema = text(timeRule).refine(isTime, timeRule).meta({ format: 'date-time' });

/** A time in a bare object: RFC 3339, or seconds since the epoch. */
export const bareTimeSchema = z.union([timeSchema, z.number().refine(inRange, numberTimeRule)], {
  error: ({ input }) =>
    typeof input === 'number' ? numberTimeRule : `${timeRule}, or seconds since the epoch`,
});

export const idSchema = namingText(longestId);

const envelope = {
  specversion: z.literal('1.0', { error: 'must be "1.0"' }),
  id: idSchema,
  source: idSchema,
  time: timeSchema.optional(),
  datacontenttype: z.string().optional(),
  traceparent: z.string().optional(),
};

/** The attributes of a CloudEvent that are looked at, its data aside. In JSON, null is as good as absent. */
export const envelopeSchema = z.object({
  ...envelope,
  type: text(),
  time: timeSchema.nullish(),
  datacontenttype: text().nullish(),
  traceparent: text().nullish(),
});

/** The attributes of a CloudEvent. */
export type Attributes = z.infer<typeof envelopeSchema>;

export const interactionEventSchema = z.object({
  ...envelope,
  type: z.literal(eventTypes.interaction),
  data: interactionDataSchema,
});

export const commandEventSchema = z.object({
  ...envelope,
  type: z.literal(eventTypes.command),
  data: commandDataSchema,
});

const circuitStateSchema = z.enum(circuitStates);
const seconds = z.number().describe('seconds since the epoch');

/** By which rule a circuit opens, and what it is judged by under `opening: change`. */
export const openingFields = {
  opening: z.enum(openings).default('mean').describe('the rule by which the circuit opens'),
  change_evidence: z
    .number()
    .optional()
    .describe('under change: how much likelier the recent events are in a bad run than in a normal one'),
  normal_rate: z.number().optional().describe('under change: how often failing is usual just now'),
  failure_run: z.number().optional().describe('under change: failures since the last event that was none'),
  explanation: z.string().optional().describe('under change: all of that in words'),
};

/** The same, filled in. */
export function openingData(change: ChangeTold | undefined) {
  if (change === undefined) return { opening: 'mean' as const };
  const { evidence, normalRate, failureRun, explanation } = change;
  return {
    opening: 'change' as const,
    change_evidence: evidence,
    normal_rate: normalRate,
    failure_run: failureRun,
    explanation,
  };
}

/** `data` of a circuit event. */
export const circuitDataSchema = z.object({
  tenant: tenantSchema,
  pair_id: z.string().regex(/^[0-9a-f]{16}$/),
  agent_a: z.string(),
  agent_b: z.string(),
  from: circuitStateSchema,
  to: circuitStateSchema,
  trust_score: z.number().min(0).max(1),
  alpha: z.number(),
  beta: z.number(),
  interaction_count: z.int().nonnegative(),
  threshold: z.number(),
  policy: z.object({ name: z.string(), version: z.int() }),
  transition: z.int().positive().describe('rises with every change of this pair; the highest one holds'),
  previous_transition: z.int().nonnegative().describe('0 if none is known'),
  occurred_at: seconds,
  recovers_at: seconds.nullable().describe('forecast when the circuit opened; null: not by itself'),
  cause: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('interaction'), event_id: z.string(), outcome: z.enum(trustOutcomes) }),
    z.object({ kind: z.literal('recovery') }),
    z.object({ kind: z.literal('operator'), event_id: z.string(), actor: z.string(), reason: z.string() }),
  ]),
  enforced: z.boolean().describe('false in shadow mode: nobody has to stop'),
  ...openingFields,
});

export type CircuitData = z.infer<typeof circuitDataSchema>;

export const circuitEventSchema = z.object({
  ...envelope,
  type: z.enum([
    eventTypes.opened,
    eventTypes.halfOpened,
    eventTypes.closed,
    eventTypes.terminated,
    eventTypes.reset,
  ]),
  data: circuitDataSchema,
});

export type CircuitEvent = z.infer<typeof circuitEventSchema>;

/** `data` of a request to analyse a pair. */
export const analysisRequestSchema = z.object({
  tenant: tenantSchema.optional(),
  agent_a: nameSchema,
  agent_b: nameSchema,
  session_id: nameSchema.optional().describe('absent: the one that spoke last'),
});

export const analysisRequestedEventSchema = z.object({
  ...envelope,
  type: z.literal(eventTypes.analysisRequested),
  data: analysisRequestSchema,
});

/** `data` of a finished analysis: its result, and what it is of. */
export const analysisDataSchema = z.object({
  ...resultSchema.shape,
  tenant: tenantSchema,
  pair_id: z.string().regex(/^[0-9a-f]{16}$/),
  agent_a: z.string(),
  agent_b: z.string(),
  session_id: z.string().nullable().describe('null: nothing that the pair said is kept'),
  asked_by: z.string().describe('id of the request, or of the circuit event'),
  at: seconds,
});

export type AnalysisData = z.infer<typeof analysisDataSchema>;

export const analysisCompletedEventSchema = z.object({
  ...envelope,
  type: z.literal(eventTypes.analysisCompleted),
  data: analysisDataSchema,
});

export type AnalysisCompletedEvent = z.infer<typeof analysisCompletedEventSchema>;

/** Name of each schema file, and the schema that it is made from. */
export const publishedSchemas = {
  'interaction.v1': interactionEventSchema,
  'interaction-data.v1': interactionDataSchema,
  'command.v1': commandEventSchema,
  'circuit.v1': circuitEventSchema,
  'analysis-requested.v1': analysisRequestedEventSchema,
  'analysis-completed.v1': analysisCompletedEventSchema,
} as const;
