/** Opens an event in any of its accepted forms: CloudEvents structured or binary, or a bare JSON object. */
import type { z } from 'zod';
import type { MessageHeaders, Rejection } from '../ports.js';
import { isPlainEnvelope } from './plain.js';
import { type Attributes, bareTimeSchema, envelopeSchema, idSchema } from './schemas.js';
import { parseTime } from './time.js';

export interface Envelope {
  /** Null where a bare object has none. */
  readonly id: string | null;
  /** CloudEvents source; empty for a bare object. */
  readonly source: string;
  /** Seconds since the epoch; null when the event does not say. */
  readonly time: number | null;
  readonly traceparent: string | null;
  readonly data: object;
  /** What stands before a field of `data` in messages: `data.`, or nothing in a bare object. */
  readonly dataPath: string;
}

export interface RawEvent {
  readonly body: Uint8Array;
  readonly headers: MessageHeaders;
  readonly headerPrefix: 'ce-' | 'ce_';
}

export function reject(reason: Rejection['reason'], field: string, rule: string): Rejection {
  return { reason, field, rule };
}

export function isRejection(value: object): value is Rejection {
  return 'reason' in value && 'rule' in value;
}

/** The envelope, or why there is none. `type` is the only event type that is taken. */
export function openEnvelope(raw: RawEvent, type: string): Envelope | Rejection {
  const contentType = (raw.headers['content-type'] ?? '').trim().toLowerCase();
  const structured = contentType.startsWith('application/cloudevents');
  const binary = !structured && raw.headers[`${raw.headerPrefix}specversion`] !== undefined;
  const json = parseJson(raw.body);
  if ('rule' in json) return json;
  const traceparent = raw.headers['traceparent'];
  if (binary) return openBinary(raw, contentType, json.value, type);
  const { value } = json;
  if (!isObject(value)) return reject('invalid_event', '', notAnObject);
  if (structured || Object.hasOwn(value, 'specversion')) return openStructured(value, traceparent, type);
  return openBare(value, traceparent);
}

const notAnObject = 'must be a JSON object';

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseJson(body: Uint8Array): { readonly value: unknown } | Rejection {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    return reject('invalid_json', '', 'must be UTF-8');
  }
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return reject('invalid_json', '', `must be JSON: ${bounded((error as Error).message)}`);
  }
}

function openStructured(value: object, traceparent: string | undefined, type: string): Envelope | Rejection {
  if (isPlainEnvelope(value)) return openChecked(value, value, traceparent, type);
  const parsed = envelopeSchema.safeParse(value);
  return parsed.success ? openChecked(parsed.data, value, traceparent, type) : firstIssue(parsed.error, '');
}

function openChecked(
  attributes: Attributes,
  event: object,
  traceparent: string | undefined,
  type: string,
): Envelope | Rejection {
  const { data, data_base64 } = event as { readonly data?: unknown; readonly data_base64?: unknown };
  if (attributes.type !== type) return wrongType('type', attributes.type, type);
  if (!isJsonType(attributes.datacontenttype)) return wrongContentType('datacontenttype');
  let found = data;
  if (found === undefined && typeof data_base64 === 'string') {
    const decoded = parseJson(Buffer.from(data_base64, 'base64'));
    if ('rule' in decoded) return reject(decoded.reason, 'data_base64', decoded.rule);
    found = decoded.value;
  }
  if (!isObject(found)) return wrongData(found);
  return {
    id: attributes.id,
    source: attributes.source,
    time: timeOf(attributes.time),
    traceparent: checkedTraceparent(attributes.traceparent ?? traceparent),
    data: found,
    dataPath: 'data.',
  };
}

function openBinary(raw: RawEvent, contentType: string, data: unknown, type: string): Envelope | Rejection {
  const attribute = (name: string): string | undefined => {
    const value = raw.headers[raw.headerPrefix + name];
    return value === undefined ? undefined : percentDecoded(value);
  };
  const parsed = envelopeSchema.safeParse({
    specversion: attribute('specversion'),
    id: attribute('id'),
    source: attribute('source'),
    type: attribute('type'),
    time: attribute('time'),
  });
  if (!parsed.success) return firstIssue(parsed.error, raw.headerPrefix);
  if (parsed.data.type !== type) return wrongType(`${raw.headerPrefix}type`, parsed.data.type, type);
  if (!isJsonType(contentType)) return wrongContentType('content-type');
  if (!isObject(data)) return wrongData(data);
  return {
    id: parsed.data.id,
    source: parsed.data.source,
    time: timeOf(parsed.data.time),
    traceparent: checkedTraceparent(attribute('traceparent') ?? raw.headers['traceparent']),
    data,
    dataPath: 'data.',
  };
}

function openBare(value: object, traceparent: string | undefined): Envelope | Rejection {
  const { id, time } = value as { readonly id?: unknown; readonly time?: unknown };
  if (id !== undefined) {
    const parsed = idSchema.safeParse(id);
    if (!parsed.success) return firstIssue(parsed.error, 'id');
  }
  if (time !== undefined) {
    const parsed = bareTimeSchema.safeParse(time);
    if (!parsed.success) return firstIssue(parsed.error, 'time');
  }
  return {
    id: (id as string | undefined) ?? null,
    source: '',
    time: typeof time === 'string' ? parseTime(time) : ((time as number | undefined) ?? null),
    traceparent: checkedTraceparent(traceparent),
    data: value,
    dataPath: '',
  };
}

function timeOf(time: string | null | undefined): number | null {
  return typeof time === 'string' ? parseTime(time) : null;
}

function wrongData(data: unknown): Rejection {
  return reject('invalid_event', 'data', data === undefined ? 'is required' : notAnObject);
}

function wrongType(field: string, type: string, wanted: string): Rejection {
  return reject('unsupported_type', field, `must be ${wanted}, got ${JSON.stringify(bounded(type))}`);
}

function wrongContentType(field: string): Rejection {
  return reject('invalid_event', field, 'must be JSON (application/json or …+json)');
}

function isJsonType(contentType: string | null | undefined): boolean {
  if (contentType == null || contentType === '') return true;
  return /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
}

/** The CloudEvents bindings percent-encode what a header cannot hold. */
function percentDecoded(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function checkedTraceparent(value: string | null | undefined): string | null {
  return value != null && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value) ? value : null;
}

/** The first thing that a schema found, as a rejection of the field `prefix` + its path. */
export function firstIssue(error: z.ZodError, prefix: string): Rejection {
  const [issue] = error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  return reject('invalid_event', bounded(prefix + path), bounded(issue?.message ?? 'does not validate'));
}

/** Text of somebody else's, kept short enough for a header or a message, and well-formed. */
export function bounded(value: string, most = 200): string {
  return (value.length > most ? `${value.slice(0, most)}…` : value).toWellFormed();
}
