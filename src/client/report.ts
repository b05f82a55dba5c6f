/** One reported interaction: checked at the call, written as an event when it is sent. */
import { defaultLimits } from '../events/delivered.js';
import { attributesSchema, brokenNameRule, eventTypes, longestName, weightRule } from '../events/schemas.js';
import { TrustValueError } from '../trust/errors.js';
import { type TrustOutcome, trustOutcomes } from '../trust/outcome.js';

/** What may be said of an interaction beside its outcome. */
export interface ReportDetails {
  /** The text of the exchange, for analysis. An event has at most 256 KiB. */
  readonly content?: string | undefined;
  /** Names the conversation or run that it belongs to: 1 to 256 characters. */
  readonly sessionId?: string | undefined;
  /** What the interaction was about, in words of your own. */
  readonly task?: string | undefined;
  /** How much it counts, above 0 and at most 100. @defaultValue 1 */
  readonly weight?: number | undefined;
  /** The number of the HALF_OPEN circuit under which the call was the probe; `guard` says it by itself. */
  readonly probe?: number | undefined;
  /** At most 32 strings, numbers, booleans or nulls, by name. */
  readonly attributes?: Readonly<Record<string, string | number | boolean | null>> | undefined;
}

/** An interaction that waits to be sent. */
export interface Report {
  /** Rises by one with every report of a client. */
  readonly number: number;
  /** When it was reported, ms since the epoch. */
  readonly atMs: number;
  readonly agentA: string;
  readonly agentB: string;
  readonly outcome: TrustOutcome;
  readonly details: ReportDetails | undefined;
}

/** Who reports. */
export interface Reporter {
  readonly tenant: string;
  /** CloudEvents source. */
  readonly source: string;
  /** The same for no other client: the ids of its reports begin so. */
  readonly instance: string;
}

/** @throws TrustValueError naming the argument, its value and the rule */
export function checkName(argument: string, name: unknown, most = longestName): void {
  if (typeof name !== 'string') throw new TrustValueError(argument, name, 'must be a string');
  const broken = brokenNameRule(name, most);
  if (broken !== null) throw new TrustValueError(argument, name, broken);
}

const outcomes: ReadonlySet<unknown> = new Set(trustOutcomes);

/** @throws TrustValueError naming the argument, its value and the rule */
export function checkReport(
  agentA: unknown,
  agentB: unknown,
  outcome: unknown,
  details: ReportDetails | undefined,
): void {
  checkName('agentA', agentA);
  checkName('agentB', agentB);
  if (!outcomes.has(outcome))
    throw new TrustValueError('outcome', outcome, `must be one of ${trustOutcomes.join(', ')}`);
  if (details !== undefined) checkDetails(details);
}

const known: ReadonlySet<string> = new Set<keyof ReportDetails>([
  'content',
  'sessionId',
  'task',
  'weight',
  'probe',
  'attributes',
]);

/** @throws TrustValueError naming the detail, its value and the rule */
export function checkDetails(details: ReportDetails): void {
  if (typeof details !== 'object' || details === null)
    throw new TrustValueError('details', details, 'must be an object');
  for (const key in details)
    if (!known.has(key)) throw new TrustValueError(key, '', `is none of ${[...known].join(', ')}`);
  const { content, sessionId, task, weight, probe, attributes } = details;
  if (content !== undefined && typeof content !== 'string')
    throw new TrustValueError('content', content, 'must be a string');
  if (sessionId !== undefined) checkName('sessionId', sessionId);
  if (task !== undefined && typeof task !== 'string')
    throw new TrustValueError('task', task, 'must be a string');
  if (weight !== undefined && !(typeof weight === 'number' && weight > 0 && weight <= 100))
    throw new TrustValueError('weight', weight, weightRule);
  if (probe !== undefined && !(Number.isSafeInteger(probe) && probe >= 0))
    throw new TrustValueError('probe', probe, 'must be a whole number, not negative');
  if (attributes !== undefined) {
    const parsed = attributesSchema.safeParse(attributes);
    const [issue] = parsed.error?.issues ?? [];
    if (issue !== undefined) throw new TrustValueError('attributes', attributes, issue.message);
  }
}

/** Longest escape of one UTF-16 unit in JSON, in bytes. */
const longestEscape = 6;
/** The rest of an event, names of full length included, in bytes. */
const envelopeBytes = 8 * 1024;
/** What an event takes in memory beside its texts, about. */
const reportBytes = 256;

/**
 * What a report takes in memory, about, in bytes.
 *
 * @throws TrustValueError when its event would be larger than a processor takes
 */
export function sizeOf(report: Report, reporter: Reporter): number {
  const { details } = report;
  if (details === undefined) return reportBytes;
  const { content, task, attributes } = details;
  const units =
    (content?.length ?? 0) +
    (task?.length ?? 0) +
    (attributes === undefined ? 0 : JSON.stringify(attributes).length);
  // Most are far from it, and need not be written to see that.
  if (units * longestEscape + envelopeBytes > defaultLimits.maxEventBytes) {
    const bytes = eventBody(report, reporter, Number.POSITIVE_INFINITY).byteLength;
    if (bytes > defaultLimits.maxEventBytes)
      throw new TrustValueError(
        content === undefined || content.length < units / 2 ? 'details' : 'content',
        `${units} characters`,
        `must fit into an event of ${defaultLimits.maxEventBytes} bytes, this one has ${bytes}`,
      );
  }
  return reportBytes + 2 * units;
}

/** An event that is sent later than this carries the time of its call; ms. */
const promptMs = 1_000;

export function eventId({ instance }: Reporter, { number }: Report): string {
  return `${instance}-${number}`;
}

/**
 * The event, as a CloudEvent. It says its time only where it was held back: otherwise the server's stamp is as good, and
 * a client's clock that goes wrong does no harm.
 *
 * @param nowMs when it is sent, ms since the epoch
 */
export function eventBody(report: Report, reporter: Reporter, nowMs: number): Buffer {
  const { agentA, agentB, outcome, atMs, details } = report;
  const event = {
    specversion: '1.0',
    id: eventId(reporter, report),
    source: reporter.source,
    type: eventTypes.interaction,
    ...(nowMs - atMs > promptMs ? { time: new Date(atMs).toISOString() } : {}),
    datacontenttype: 'application/json',
    data: {
      tenant: reporter.tenant,
      agent_a: agentA,
      agent_b: agentB,
      outcome,
      ...(details === undefined ? {} : detailData(details)),
    },
  };
  return Buffer.from(JSON.stringify(event));
}

function detailData({ content, sessionId, task, weight, probe, attributes }: ReportDetails) {
  return { session_id: sessionId, task, content, weight, probe, attributes };
}
