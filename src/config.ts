/**
 * Everything that can be set: defaults, then a file (YAML or JSON), then `FULCRUM_*` variables, then flags,
 * made once into a frozen config. Only this file reads the environment.
 */
import { z } from 'zod';
import { type ConfigFile, readConfigFile } from './config/file.js';
import { type Config, configSchema, type DeepReadonly } from './config/schema.js';
import { FulcrumError } from './errors.js';
import { nearest, suggestion } from './nearest.js';
import { changeBounds } from './trust/change.js';
import { TrustValueError } from './trust/errors.js';
import { recoversByDecay } from './trust/forecast.js';
import { PolicyBook, type PolicyDocument } from './trust/policies.js';

export type { Config } from './config/schema.js';

/** A partial config, as flags give it. */
export type ConfigOverrides = { readonly [key: string]: unknown };

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read, null if there was none. */
  readonly file: string | null;
}

/** Who said it: a file, which has lines, or another layer by its name. */
type Where = string | { readonly path: string; readonly file: ConfigFile };

const environmentLayer = 'the environment';
const variablePrefix = 'FULCRUM_';
/** Variables of this prefix that are not config keys. */
const otherVariables = ['FULCRUM_CONFIG', 'FULCRUM_URL'];

/**
 * @param file path of a config file; null: `FULCRUM_CONFIG`, or none.
 * @throws FulcrumError `config` naming the file and its line, or the variable, the key and the rule.
 */
export function loadConfig(
  file: string | null,
  overrides: ConfigOverrides = {},
  environment: NodeJS.ProcessEnv = process.env,
): LoadedConfig {
  const path = file ?? environment['FULCRUM_CONFIG'] ?? null;
  const read = path === null ? null : readConfigFile(path);
  const layers: readonly [where: Where, layer: unknown][] = [
    [read === null ? '' : { path: path ?? '', file: read }, read?.layer ?? {}],
    [environmentLayer, fromEnvironment(environment)],
    ['the command line', overrides],
  ];
  let merged: unknown = {};
  for (const [where, layer] of layers) {
    const checked = configSchema.safeParse(layer);
    if (!checked.success) throw invalid(where, checked.error);
    merged = merge(merged, layer);
    // After each layer, so that a knob out of range is blamed on the one that set it.
    checkPolicies(where, configSchema.parse(merged));
  }
  const config = deepFreeze(configSchema.parse(merged));
  return { config, file: path };
}

/** Base URL of the API that the command line talks to. */
export function apiUrl(flag: string | undefined, environment: NodeJS.ProcessEnv = process.env): string {
  const host = environment['FULCRUM_HTTP_HOST'] ?? '127.0.0.1';
  const port = environment['FULCRUM_HTTP_PORT'] ?? '4747';
  // What listens on all addresses is asked on this machine's own.
  const local = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return flag ?? environment['FULCRUM_URL'] ?? `http://${local}:${port}`;
}

/** The policies of a config, as the processor takes them. */
export function policyDocument(config: Config, version = 1): PolicyDocument {
  return { version, default: defined(config.trust), policies: config.policies.map(toEntry) };
}

function toEntry(policy: Config['policies'][number]): PolicyDocument['policies'][number] {
  const { name, match, trust, enforced } = policy;
  return {
    name,
    match: {
      ...(match.tenant === undefined ? {} : { tenant: match.tenant }),
      ...(match.agents === undefined ? {} : { agents: [match.agents[0], match.agents[1]] as const }),
    },
    trust: defined(trust),
    enforced,
  };
}

/** What is allowed and probably not meant. */
export function configWarnings(config: Config): string[] {
  const book = new PolicyBook(policyDocument(config));
  const warnings: string[] = [];
  if (!config.timedRecovery)
    warnings.push(
      'timedRecovery is off: the circuit of a pair that falls silent stays open until an event or a reset',
    );
  for (const { name, config: trust } of book.all) {
    if (config.timedRecovery && trust.recoveryCooldownSeconds === null && !recoversByDecay(trust))
      warnings.push(
        `policy ${name}: with a threshold of 0.5 or more, or an infinite half-life, and no recoveryCooldownSeconds, ` +
          'an open circuit never recovers by itself',
      );
  }
  return warnings;
}

/** What follows from the config and is not in it. */
export function configNotes(config: Config): string[] {
  return new PolicyBook(policyDocument(config)).all.flatMap(({ name, config: trust }) => {
    if (trust.opening === 'mean') return [];
    const { failuresToOpen, successesToClose } = changeBounds(trust);
    return [
      `policy ${name}: opens after ${failuresToOpen.join(' to ')} failures in a row, ` +
        `closes after ${successesToClose.join(' to ')} successes`,
    ];
  });
}

/** `FULCRUM_HTTP_PORT=8080` is `http.port: 8080`. */
function fromEnvironment(environment: NodeJS.ProcessEnv): unknown {
  const paths = new Map(scalarPaths().map((path) => [variableName(path), path]));
  let layer: unknown = {};
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(variablePrefix) || otherVariables.includes(name) || value === undefined) continue;
    const path = paths.get(name);
    if (path === undefined) {
      refuseMisspelt(name, [...paths.keys(), ...otherVariables]);
      continue;
    }
    layer = merge(layer, layerOf(path, value));
  }
  return layer;
}

/** Other programs have variables of this prefix too: only what is nearly one of ours is taken for a mistake. */
function refuseMisspelt(name: string, known: readonly string[]): void {
  const length = name.length - variablePrefix.length;
  const near = nearest(name, known, Math.max(1, Math.min(3, Math.floor(length / 4))));
  if (near !== null) throw new FulcrumError('config', `unknown variable ${name}, did you mean ${near}?`);
}

/** A config of one key: the value that `text` stands for, at `path`. */
function layerOf(path: readonly string[], text: string): unknown {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), readValue(path, text));
}

/** The value that a text stands for: the text itself where the key takes one. */
function readValue(path: readonly string[], text: string): unknown {
  const schema = schemaAt(path);
  if (unwrapped(schema) instanceof z.ZodArray) return text.split(',').map((part) => part.trim());
  return schema instanceof z.ZodType && schema.safeParse(text).success ? text : scalar(text);
}

function scalar(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  if (text === 'Infinity') return Number.POSITIVE_INFINITY;
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Every key that holds one value, as its path. */
function scalarPaths(schema: unknown = configSchema): string[][] {
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodObject)) return [[]];
  return Object.entries(inner.shape).flatMap(([key, field]) =>
    schema === configSchema && key === 'policies' ? [] : scalarPaths(field).map((path) => [key, ...path]),
  );
}

function objectKeys(schema: unknown): string[] | null {
  const inner = unwrapped(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : null;
}

/** The schema of what stands at a path, undefined where nothing may. */
function schemaAt(path: readonly string[]): unknown {
  let schema: unknown = configSchema;
  for (const key of path) {
    const outer = unwrapped(schema);
    if (outer instanceof z.ZodArray) schema = outer.element;
    else if (outer instanceof z.ZodObject && Object.hasOwn(outer.shape, key)) schema = outer.shape[key];
    else return undefined;
  }
  return schema;
}

/** Without its default. */
function unwrapped(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodNullable)
    inner = inner.def.innerType;
  return inner;
}

/** The overrides of `--set key=value` flags. @throws FulcrumError `usage` */
export function overridesOf(settings: readonly string[]): ConfigOverrides {
  let overrides: unknown = {};
  for (const setting of settings) {
    const at = setting.indexOf('=');
    if (at <= 0)
      throw new FulcrumError('usage', `--set ${setting}: must be key=value, e.g. trust.threshold=0.4`);
    const path = setting.slice(0, at).split('.');
    overrides = merge(overrides, layerOf(path, setting.slice(at + 1)));
  }
  return overrides as ConfigOverrides;
}

function variableName(path: readonly string[]): string {
  return variablePrefix + path.map((key) => key.replace(/[A-Z]/g, '_$&').toUpperCase()).join('_');
}

function invalid(where: Where, error: z.ZodError): FulcrumError {
  const [issue] = error.issues;
  const path = (issue?.path ?? []).map(String);
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const full = [...path, key].join('.');
    const known = objectKeys(schemaAt(path)) ?? [];
    return refusal(where, [...path, key], `unknown key ${full}${suggestion(key, known)}`);
  }
  if (where === environmentLayer)
    return new FulcrumError('config', `${variableName(path)}: ${issue?.message ?? ''}`);
  return refusal(where, path, `${path.join('.') || 'the config'}: ${issue?.message ?? ''}`);
}

/** @param path of what is refused */
function refusal(where: Where, path: readonly string[], what: string, options?: ErrorOptions): FulcrumError {
  if (typeof where === 'string') return new FulcrumError('config', `${where}: ${what}`, options);
  const line = where.file.lineOf(path);
  return new FulcrumError(
    'config',
    `${where.path}: ${what}${line === null ? '' : ` (line ${line})`}`,
    options,
  );
}

function checkPolicies(where: Where, config: Config): void {
  const document = policyDocument(config);
  try {
    new PolicyBook(document);
  } catch (cause) {
    if (!(cause instanceof TrustValueError)) throw cause;
    throw refusal(where, knobPath(cause.knob, document), cause.message, { cause });
  }
}

/** Where the knob of a policy is said, by the name that errors give it: `policy tools: threshold`. */
function knobPath(named: string, { policies }: PolicyDocument): string[] {
  const [policy = '', knob = ''] = named.replace(/^policy /, '').split(/: (?=\w+$)/);
  const index = policies.findIndex(({ name }) => name === policy);
  const own = policies[index]?.trust;
  return own !== undefined && Object.hasOwn(own, knob)
    ? ['policies', String(index), 'trust', knob]
    : ['trust', knob];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function merge(under: unknown, over: unknown): unknown {
  if (!isObject(under) || !isObject(over)) return over === undefined ? under : over;
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(merged[key], value);
  return merged;
}

function deepFreeze<T>(value: T): DeepReadonly<T> {
  if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value) as DeepReadonly<T>;
}

/** Without keys that are undefined; null stays where the model takes it. */
function defined(trust: Config['trust']): PolicyDocument['default'] {
  return Object.fromEntries(
    Object.entries(trust).filter(([, value]) => value !== undefined),
  ) as PolicyDocument['default'];
}
