import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { circuitEvent } from '../../src/events/circuit.js';
import { publishedSchemas } from '../../src/events/schemas.js';
import { failedAnalysis } from '../../src/rlm/analyze.js';
import { least, structured } from '../helpers/delivered.js';
import { openedEntry } from '../helpers/transition.js';

type Name = keyof typeof publishedSchemas;

interface JsonSchema {
  readonly type?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
}

/** As it is written into the package. */
function published(name: Name): JsonSchema {
  const schema = z.toJSONSchema(publishedSchemas[name], { io: 'input', unrepresentable: 'any' });
  return JSON.parse(JSON.stringify(schema)) as JsonSchema;
}

const command = { agent_a: 'ann', agent_b: 'bob', action: 'reset' };
const examples: Record<Name, object> = {
  'interaction.v1': structured(),
  'interaction-data.v1': least,
  'command.v1': structured({ type: 'fulcrum.trust.command.v1', data: command }),
  'circuit.v1': circuitEvent(openedEntry()),
  'analysis-requested.v1': structured({
    type: 'fulcrum.trust.analysis.requested.v1',
    data: { agent_a: 'ann', agent_b: 'bob' },
  }),
  'analysis-completed.v1': structured({
    type: 'fulcrum.trust.analysis.completed.v1',
    data: {
      ...failedAnalysis('analysis-1', new Error('nothing is kept')),
      ...{ tenant: 'default', pair_id: '0123456789abcdef', agent_a: 'ann', agent_b: 'bob' },
      ...{ session_id: null, asked_by: 'request-1', at: 1_750_000_000 },
    },
  }),
};
const names = Object.keys(publishedSchemas) as Name[];

/** A copy without one of its fields; `path` is dotted. */
function without(value: object, path: string): object {
  const copy = structuredClone(value) as Record<string, unknown>;
  const [field = '', ...rest] = path.split('.');
  if (rest.length === 0) delete copy[field];
  else copy[field] = without(copy[field] as object, rest.join('.'));
  return copy;
}

describe('a published schema', () => {
  it.each(names)('of %s is a JSON Schema that says what it is of', (name) => {
    const schema = published(name);
    expect(schema).toMatchObject({ $schema: expect.stringContaining('json-schema.org'), type: 'object' });
    expect(schema.required).toEqual(expect.arrayContaining(Object.keys(examples[name]).slice(0, 1)));
  });

  it.each<[Name, readonly string[]]>([
    ['interaction.v1', ['specversion', 'id', 'source', 'type', 'data']],
    ['interaction-data.v1', ['agent_a', 'agent_b', 'outcome']],
    ['command.v1', ['specversion', 'id', 'source', 'type', 'data']],
    ['circuit.v1', ['specversion', 'id', 'source', 'type', 'data']],
  ])('of %s requires %j, and no field that has a default', (name, fields) => {
    expect(published(name).required).toEqual(fields);
  });

  it.each<[Name, readonly string[]]>([
    ['interaction.v1', ['agent_a', 'agent_b', 'outcome']],
    ['command.v1', ['agent_a', 'agent_b', 'action']],
  ])('of %s requires %j of its data', (name, fields) => {
    expect(published(name).properties?.['data']?.required).toEqual(fields);
  });

  it('of circuit.v1 requires every field of its data, but for those of the opening rule', () => {
    const data = published('circuit.v1').properties?.['data'];
    const opening = ['opening', 'change_evidence', 'normal_rate', 'failure_run', 'explanation'];
    expect([...(data?.required ?? []), ...opening]).toEqual(Object.keys(data?.properties ?? {}));
    expect(data?.required).toHaveLength(18);
    expect(data?.properties?.['opening']?.enum).toEqual(['mean', 'change']);
  });

  it('names the values that a field can take', () => {
    const { properties } = published('interaction-data.v1');
    expect(properties?.['outcome']?.enum).toEqual(['success', 'failure', 'partial']);
    expect(published('interaction.v1').properties?.['type']?.const).toBe('fulcrum.trust.interaction.v1');
  });

  it('states the limits that an event is held to', () => {
    const { properties } = published('interaction-data.v1');
    expect(properties?.['agent_a']).toMatchObject({ type: 'string', minLength: 1, maxLength: 256 });
    expect(properties?.['tenant']).toMatchObject({ pattern: '^[A-Za-z0-9_-]{1,64}$' });
    expect(properties?.['weight']).toMatchObject({ exclusiveMinimum: 0, maximum: 100, default: 1 });
    expect(properties?.['attributes']).toMatchObject({ maxProperties: 32 });
    expect(published('interaction.v1').properties?.['time']).toMatchObject({ format: 'date-time' });
  });

  it.each(names)('of %s takes its example', (name) => {
    expect(publishedSchemas[name].safeParse(examples[name])).toMatchObject({ success: true });
  });

  it.each(names)('of %s takes nothing that is no object', (name) => {
    for (const value of [undefined, null, true, 1, 'text', [], [examples[name]], {}])
      expect(publishedSchemas[name].safeParse(value).success, JSON.stringify(value)).toBe(false);
  });

  it.each(names)('of %s takes no example that lacks a required field', (name) => {
    const schema = published(name);
    const inData = schema.properties?.['data']?.required ?? [];
    for (const path of [...(schema.required ?? []), ...inData.map((field) => `data.${field}`)])
      expect(publishedSchemas[name].safeParse(without(examples[name], path)).success, path).toBe(false);
  });
});
