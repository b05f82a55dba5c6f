/**
 * A quick look at events as most producers write them; the schemas take many times as long. What is not plainly right
 * is theirs to judge, and the words of a rejection are theirs: these take nothing that a schema refuses.
 */
import { trustOutcomes } from '../trust/outcome.js';
import {
  type Attributes,
  brokenNameRule,
  type InteractionData,
  isTenant,
  isTime,
  isWeight,
  longestId,
  longestName,
} from './schemas.js';

/** Whether an object plainly has the attributes of a CloudEvent. */
export function isPlainEnvelope(event: object): event is Attributes {
  const fields = event as { readonly [name in keyof Attributes]?: unknown };
  return (
    fields.specversion === '1.0' &&
    isNaming(fields.id, longestId) &&
    isNaming(fields.source, longestId) &&
    typeof fields.type === 'string' &&
    (fields.time == null || (typeof fields.time === 'string' && isTime(fields.time))) &&
    (fields.datacontenttype == null || typeof fields.datacontenttype === 'string') &&
    (fields.traceparent == null || typeof fields.traceparent === 'string')
  );
}

/** Whether data is plainly that of an interaction. */
export function isPlainInteraction(data: object): data is InteractionData {
  const fields = data as { readonly [name in keyof InteractionData]?: unknown };
  return (
    isNaming(fields.agent_a, longestName) &&
    isNaming(fields.agent_b, longestName) &&
    (trustOutcomes as readonly unknown[]).includes(fields.outcome) &&
    (fields.tenant === undefined || (typeof fields.tenant === 'string' && isTenant(fields.tenant))) &&
    (fields.weight === undefined || (typeof fields.weight === 'number' && isWeight(fields.weight))) &&
    (fields.session_id === undefined || isNaming(fields.session_id, longestName)) &&
    (fields.task === undefined || typeof fields.task === 'string') &&
    (fields.content === undefined || typeof fields.content === 'string') &&
    fields.probe === undefined &&
    fields.attributes === undefined
  );
}

function isNaming(value: unknown, longest: number): value is string {
  return typeof value === 'string' && brokenNameRule(value, longest) === null;
}
