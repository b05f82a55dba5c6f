/** What a run with a model leaves behind: one record a line, in the order in which things happened. */
import { z } from 'zod';
import { errorCodes, FulcrumError, messageOf } from '../../errors.js';
import { type ProgramLimits, primitives } from '../ports.js';
import { draftSchema } from '../program/draft.js';
import { evidenceSchema, resultSchema, verdictSchema, verdicts } from '../result.js';
import type { Finding } from './claim.js';

export const traceFormat = 1;

const codes = Object.keys(errorCodes) as [keyof typeof errorCodes, ...(keyof typeof errorCodes)[]];
const errorSchema = z.strictObject({ code: z.enum(codes), message: z.string() });
const whole = z.int().nonnegative();
/** Milliseconds that something took. */
const ms = z.number().nonnegative();

const conclusionSchema = z.strictObject({
  verdict: verdictSchema,
  confidence: z.number(),
  summary: z.string(),
  evidence: z.array(evidenceSchema),
  would_close: z.boolean(),
});

const limitsSchema = z.strictObject({
  memory_bytes: z.number(),
  stack_bytes: z.number(),
  cpu_ms: z.number(),
  deadline_ms: z.number(),
});

const startSchema = z.strictObject({
  kind: z.literal('start'),
  format: z.literal(traceFormat),
  trace_id: z.string().min(1),
  /** Seconds since the epoch. */
  at: z.number(),
  /** Of the transcript. */
  id: z.string(),
  session: z.string(),
  turns: whole,
  model: z.string(),
  /** Programs at most, and tokens of the answer that holds one. */
  rounds: z.int().positive(),
  root_answer_tokens: z.int().positive(),
  /** Of each program. */
  program_limits: limitsSchema,
  /** What the model was told of the transcript. */
  description: z.string(),
  rules: conclusionSchema,
});

const askSchema = z.strictObject({
  kind: z.literal('ask'),
  /** The program is written by `root`, and may ask `sub`. */
  by: z.enum(['root', 'sub']),
  system: z.string(),
  user: z.string(),
  max_answer_tokens: whole,
  answer: z.union([z.strictObject({ text: z.string() }), z.strictObject({ error: errorSchema })]),
  prompt_tokens: whole,
  answer_tokens: whole,
  /** US dollars. */
  cost: z.number().nonnegative(),
  cached: z.boolean(),
  ms,
});

const callSchema = z.strictObject({
  kind: z.literal('call'),
  primitive: z.enum(primitives),
  args: z.array(z.unknown()),
  answer: z.union([z.strictObject({ value: z.unknown() }), z.strictObject({ error: errorSchema })]),
  ms,
});

const programSchema = z.strictObject({ kind: z.literal('program'), round: whole, program: z.string() });

const endSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('done') }),
  z.strictObject({ kind: z.literal('failed'), cause: z.string() }),
  z.strictObject({ kind: z.literal('killed'), cause: z.string() }),
]);
const endedSchema = z.strictObject({ kind: z.literal('ended'), round: whole, end: endSchema, ms });

const markSchema = z
  .strictObject({
    turn: whole,
    partition: whole,
    speaker: z.string(),
    excerpt: z.string(),
    event_id: z.string().optional(),
  })
  .transform(({ event_id: eventId, ...mark }) => ({ ...mark, eventId }));
const findingSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('loop'),
    verdict: z.enum(verdicts).exclude(['none', 'inconclusive']),
    confidence: z.number(),
    reason: z.string(),
    marks: z.array(markSchema),
    supported: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('none'), confidence: z.number(), reason: z.string() }),
  z.strictObject({ kind: z.literal('failed'), reason: z.string() }),
]);
const claimedSchema = z.strictObject({
  kind: z.literal('claim'),
  claim: draftSchema,
  finding: findingSchema,
});

const resultLineSchema = z.strictObject({ kind: z.literal('result'), result: resultSchema, ms });

export const traceRecordSchema = z.union([
  startSchema,
  askSchema,
  programSchema,
  callSchema,
  endedSchema,
  claimedSchema,
  resultLineSchema,
]);
export type TraceRecord = z.infer<typeof traceRecordSchema>;
/** As it is written: turns of a claim have their event's id by the name that results use. */
export type TraceLine = z.input<typeof traceRecordSchema>;
export type TraceOf<K extends TraceRecord['kind']> = Extract<TraceRecord, { kind: K }>;

/** Takes the records of one run. */
export interface TraceSink {
  /** null: nothing is recorded. */
  readonly id: string | null;
  write(record: TraceLine): void;
}

export const noTrace: TraceSink = { id: null, write: () => {} };

/** A whole trace, parted by what its records are for. */
export interface Trace {
  readonly start: TraceOf<'start'>;
  readonly records: readonly TraceRecord[];
  /** null: the run did not come to its end. */
  readonly result: TraceOf<'result'> | null;
}

/** @throws FulcrumError `input` with the line and the rule */
export function parseTrace(text: string): Trace {
  const records = text
    .split('\n')
    .map((line, i) => [line, i + 1] as const)
    .filter(([line]) => line.trim() !== '')
    .map(([line, number]) => parseRecord(line, number));
  const [start] = records;
  if (start?.kind !== 'start') throw new FulcrumError('input', 'line 1 is not the start of a trace');
  const last = records.at(-1);
  return { start, records, result: last?.kind === 'result' ? last : null };
}

function parseRecord(line: string, number: number): TraceRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new FulcrumError('input', `line ${number} is not JSON: ${messageOf(cause)}`, { cause });
  }
  const parsed = traceRecordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new FulcrumError('input', `line ${number} is no record of a trace of format ${traceFormat}`);
}

/** The limits of programs as a record has them. */
export function limitsLine(limits: ProgramLimits): z.infer<typeof limitsSchema> {
  const { memoryBytes, stackBytes, cpuMs, deadlineMs } = limits;
  return { memory_bytes: memoryBytes, stack_bytes: stackBytes, cpu_ms: cpuMs, deadline_ms: deadlineMs };
}

/** A finding as a record has it. */
export function findingLine(finding: Finding): z.input<typeof findingSchema> {
  if (finding.kind !== 'loop') return finding;
  const marks = finding.marks.map(({ eventId, ...mark }) => ({
    ...mark,
    ...(eventId === undefined ? {} : { event_id: eventId }),
  }));
  return { ...finding, marks };
}

/** A thrown error as a record has it. */
export function recordedError(error: FulcrumError): z.infer<typeof errorSchema> {
  return { code: error.code, message: error.message };
}
