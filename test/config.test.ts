import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  apiUrl,
  type ConfigOverrides,
  configNotes,
  configWarnings,
  type LoadedConfig,
  loadConfig,
  overridesOf,
  policyDocument,
} from '../src/config.js';
import { FulcrumError } from '../src/errors.js';
import { PolicyBook } from '../src/trust/policies.js';
import { freshPaths } from './helpers/folders.js';

const fresh = freshPaths();

function fileOf(text: string, extension = 'yaml'): string {
  const path = `${fresh()}.${extension}`;
  writeFileSync(path, text);
  return path;
}

interface Layers {
  readonly file?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly overrides?: ConfigOverrides;
}

function load({ file, environment = {}, overrides = {} }: Layers): LoadedConfig['config'] {
  return loadConfig(file === undefined ? null : fileOf(file), overrides, environment).config;
}

/** The message with which a config is refused. */
function refusal(layers: Layers): string {
  try {
    load(layers);
  } catch (error) {
    expect(error).toBeInstanceOf(FulcrumError);
    expect(error).toMatchObject({ code: 'config', exitCode: 2 });
    return (error as FulcrumError).message;
  }
  throw new Error('the config was taken');
}

describe('the layers of a config', () => {
  it('are defaults, file, environment and overrides, each over the one before it', () => {
    const file = 'http: { host: file, port: 1, maxBodyBytes: 10 }\nlog: { level: warn }';
    const environment = { FULCRUM_HTTP_PORT: '2', FULCRUM_LOG_LEVEL: 'error' };
    const config = load({ file, environment, overrides: { http: { port: 3 } } });
    expect(config.http).toEqual({ host: 'file', port: 3, maxBodyBytes: 10 });
    expect(config.log.level).toBe('error');
    expect(config.limits).toEqual({ maxEventBytes: 262_144, maxFutureSeconds: 300 });
  });

  it('give the defaults when there is nothing else', () => {
    const { config, file } = loadConfig(null, {}, {});
    expect(file).toBeNull();
    expect(config).toMatchObject({
      dataDir: 'fulcrum-data',
      http: { host: '127.0.0.1', port: 4747 },
      policies: [],
      timedRecovery: true,
    });
  });

  it('take the file that FULCRUM_CONFIG names, unless another one is named', () => {
    const environment = { FULCRUM_CONFIG: fileOf('dataDir: from-environment') };
    expect(loadConfig(null, {}, environment).config.dataDir).toBe('from-environment');
    const named = fileOf('dataDir: named');
    expect(loadConfig(named, {}, environment)).toMatchObject({ file: named, config: { dataDir: 'named' } });
  });

  it('replace a list as a whole', () => {
    const file = 'policies: [{ name: one }, { name: two }]';
    expect(load({ file, overrides: { policies: [{ name: 'three' }] } }).policies).toHaveLength(1);
  });

  it('are frozen, all the way down', () => {
    const config = load({ file: 'policies: [{ name: one, match: { agents: [a, b] } }]' });
    for (const part of [
      config,
      config.http,
      config.policies,
      config.policies[0],
      config.policies[0]?.match.agents,
    ])
      expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('a config file', () => {
  it('is YAML or JSON', () => {
    const yaml = load({ file: '# knobs\ntrust:\n  threshold: 0.4\n  recoveryCooldownSeconds: 30\n' });
    const json = load({ file: '{"trust": {"threshold": 0.4, "recoveryCooldownSeconds": 30}}' });
    expect(yaml).toEqual(json);
    expect(yaml.trust).toEqual({ threshold: 0.4, recoveryCooldownSeconds: 30 });
  });

  it('may be empty', () => {
    expect(load({ file: '' })).toEqual(load({}));
    expect(load({ file: '# nothing yet\n' })).toEqual(load({}));
  });

  it.each(['.inf', '"Infinity"'])('turns decay off with %s', (infinite) => {
    const config = load({ file: `trust: { halfLifeSeconds: ${infinite} }` });
    const [policy] = new PolicyBook(policyDocument(config)).all;
    expect(policy?.config.halfLifeSeconds).toBe(Number.POSITIVE_INFINITY);
  });

  it('that cannot be read is named, with the nearest there is', () => {
    const path = fileOf('{}');
    expect(() => loadConfig(`${path}l`, {}, {})).toThrow(`config file ${path}l cannot be read: ENOENT`);
    expect(() => loadConfig(`${path}l`, {}, {})).toThrow(`did you mean ${path}?`);
  });

  it('that is not YAML is refused with the line', () => {
    expect(refusal({ file: 'http:\n  port: 1\n  port: 2\n' })).toMatch(/config file .* at line 3/s);
  });

  it.each(['[1, 2]', 'text', '42'])('that holds %s is no config', (file) => {
    expect(refusal({ file })).toContain('the config: ');
  });
});

describe('an unknown key', () => {
  it.each([
    ['tru: {}', 'unknown key tru, did you mean trust?'],
    ['http: { prot: 1 }', 'unknown key http.prot, did you mean port?'],
    ['trust: { treshold: 0.4 }', 'unknown key trust.treshold, did you mean threshold?'],
    ['policies: [{ name: a }, { name: b, trst: {} }]', 'unknown key policies.1.trst, did you mean trust?'],
    [
      'policies: [{ name: a, trust: { halflife: 1 } }]',
      'unknown key policies.0.trust.halflife (known: threshold, halfLifeSeconds, ',
    ],
    ['policies: [{ name: a, match: { agent: [a, b] } }]', 'policies.0.match.agent, did you mean agents?'],
    ['something: 1', 'unknown key something (known: dataDir, http, '],
  ])('in %j is refused with its path and the nearest', (file, message) => {
    expect(refusal({ file })).toContain(message);
  });

  it('is refused with the place where it stands', () => {
    const path = fileOf('dataDri: x');
    expect(() => loadConfig(path, {}, {})).toThrow(`${path}: unknown key dataDri, did you mean dataDir?`);
    expect(refusal({ overrides: { dataDri: 'x' } })).toMatch(/^the command line: unknown key dataDri/);
  });
});

describe('a variable', () => {
  it.each([
    ['FULCRUM_DATA_DIR', 'x', { dataDir: 'x' }],
    ['FULCRUM_DATA_DIR', '2024', { dataDir: '2024' }],
    ['FULCRUM_HTTP_MAX_BODY_BYTES', '1024', { http: { maxBodyBytes: 1024 } }],
    ['FULCRUM_TRUST_HALF_LIFE_SECONDS', 'Infinity', { trust: { halfLifeSeconds: Number.POSITIVE_INFINITY } }],
    ['FULCRUM_TRUST_ALPHA_MAX', 'null', { trust: { alphaMax: null } }],
    ['FULCRUM_TIMED_RECOVERY', 'false', { timedRecovery: false }],
    ['FULCRUM_PROCESSOR_MAX_BATCH', '64', { processor: { maxBatch: 64 } }],
  ])('%s=%s sets its key', (name, value, expected) => {
    expect(load({ environment: { [name]: value } })).toMatchObject(expected);
  });

  it.each([
    ['FULCRUM_TRUST_TRESHOLD', 'FULCRUM_TRUST_THRESHOLD'],
    ['FULCRUM_HTTP_PRT', 'FULCRUM_HTTP_PORT'],
    ['FULCRUM_DATADIR', 'FULCRUM_DATA_DIR'],
    ['FULCRUM_CONFIGS', 'FULCRUM_CONFIG'],
    ['FULCRUM_TRUST_HALFLIFE_SECONDS', 'FULCRUM_TRUST_HALF_LIFE_SECONDS'],
  ])('%s is refused as a misspelt %s', (name, meant) => {
    expect(refusal({ environment: { [name]: '1' } })).toBe(
      `unknown variable ${name}, did you mean ${meant}?`,
    );
  });

  it.each([
    'FULCRUM_KEY',
    'FULCRUM_API',
    'FULCRUM_DB',
    'FULCRUM_API_KEY',
    'FULCRUM_FOUNDRY_TOKEN',
    'FULCRUM_URL',
    'HTTP_PORT',
  ])('%s is of somebody else, and left alone', (name) => {
    expect(load({ environment: { [name]: 'x' } })).toEqual(load({}));
  });

  it('of a wrong type is named, with the rule', () => {
    expect(refusal({ environment: { FULCRUM_HTTP_PORT: 'http' } })).toMatch(
      /^FULCRUM_HTTP_PORT: .*expected number/,
    );
  });
});

describe('a wrong value', () => {
  it.each([
    ['http: { port: "80" }', 'http.port: Invalid input: expected number, received string'],
    ['http: { port: 65536 }', 'http.port: '],
    ['http: { port: 1.5 }', 'http.port: '],
    ['http: 80', 'http: Invalid input: expected object'],
    ['dataDir: ""', 'dataDir: '],
    ['dataDir: null', 'dataDir: '],
    ['timedRecovery: "no"', 'timedRecovery: Invalid input: expected boolean'],
    ['trust: { threshold: "0.4" }', 'trust.threshold: must be a number or null'],
    ['log: { level: loud }', 'log.level: '],
    ['policies: {}', 'policies: Invalid input: expected array'],
    ['policies: [{ match: {} }]', 'policies.0.name: '],
    ['policies: [{ name: "" }]', 'policies.0.name: '],
    ['policies: [{ name: a, match: { agents: [a] } }]', 'policies.0.match.agents'],
    ['policies: [{ name: a, enforced: 1 }]', 'policies.0.enforced: '],
    ['processor: { maxBatch: 0 }', 'processor.maxBatch: '],
    ['limits: { maxFutureSeconds: -1 }', 'limits.maxFutureSeconds: '],
  ])('in %j is refused with the key', (file, message) => {
    expect(refusal({ file })).toContain(message);
  });

  it.each([
    ['trust: { threshold: 1 }', 'policy default: threshold must be in (0, 1), both ends excluded, got 1'],
    [
      'policies: [{ name: strict, trust: { successWeight: -1 } }]',
      'policy strict: successWeight must be in [0, 1e6], got -1',
    ],
    [
      'policies: [{ name: capped, trust: { alphaPrior: 0.5, alphaMax: 0.7 } }]',
      'policy capped: alphaMax must be null or >= 1 in a policy, got 0.7',
    ],
    ['trust: { alphaPrior: .nan }', 'policy default: alphaPrior must be in (0, 1e6], got NaN'],
    [
      'trust: { threshold: null }',
      'policy default: threshold must be in (0, 1), both ends excluded, got null',
    ],
  ])('of a knob in %j names policy, knob, rule and value', (file, message) => {
    expect(refusal({ file })).toContain(message);
  });
});

describe('settings of the command line', () => {
  it('are keys with a value each', () => {
    expect(
      overridesOf(['trust.threshold=0.4', 'trust.alphaMax=null', 'timedRecovery=false', 'dataDir=a=b']),
    ).toEqual({
      trust: { threshold: 0.4, alphaMax: null },
      timedRecovery: false,
      dataDir: 'a=b',
    });
  });

  it('keep a text that looks like a number where the key takes a text', () => {
    expect(load({ overrides: overridesOf(['dataDir=2024', 'http.host=null']) })).toMatchObject({
      dataDir: '2024',
      http: { host: 'null' },
    });
  });

  it.each(['threshold', '=1', ''])('%j is refused with an example', (setting) => {
    expect(() => overridesOf([setting])).toThrow('must be key=value, e.g. trust.threshold=0.4');
  });
});

describe('warnings', () => {
  it('are none for the defaults', () => {
    expect(configWarnings(load({}))).toEqual([]);
  });

  it('name each policy whose circuits never recover by themselves', () => {
    const file = `
      policies:
        - { name: high, trust: { threshold: 0.5 } }
        - { name: eternal, trust: { halfLifeSeconds: .inf } }
        - { name: probing, trust: { threshold: 0.5, recoveryCooldownSeconds: 60 } }`;
    const warnings = configWarnings(load({ file }));
    expect(warnings.map((warning) => warning.split(':')[0])).toEqual(['policy high', 'policy eternal']);
  });

  it('say it once when timed recovery is off', () => {
    const warnings = configWarnings(load({ file: 'timedRecovery: false\ntrust: { threshold: 0.6 }' }));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('timedRecovery is off');
  });
});

describe('a policy that opens on a change', () => {
  it('may come from the environment and flags too', () => {
    const environment = { FULCRUM_TRUST_OPENING: 'change', FULCRUM_TRUST_RECOVERY_COOLDOWN_SECONDS: '60' };
    const overrides = overridesOf(['trust.evidence=500', 'trust.probes=leased']);
    const { config } = new PolicyBook(policyDocument(load({ environment, overrides }))).policyOf(
      't',
      'a',
      'b',
    );
    expect(config).toMatchObject({
      opening: 'change',
      recoveryCooldownSeconds: 60,
      evidence: 500,
      probes: 'leased',
    });
  });

  it('is said to open and close after so many in a row', () => {
    const file = `
      policies:
        - { name: steady }
        - { name: backends, trust: { opening: change, recoveryCooldownSeconds: 60 } }`;
    expect(configNotes(load({ file }))).toEqual([
      'policy backends: opens after 5 to 33 failures in a row, closes after 7 to 14 successes',
    ]);
  });

  it.each([
    ['{ opening: change }', 'recoveryCooldownSeconds must be > 0 under opening change, got null'],
    ['{ opening: sudden }', 'must be one of mean, change, got "sudden"'],
    ['{ normalRate: 0.7 }', 'normalRate must be > 0 and < normalMax (0.6), got 0.7'],
  ])('is refused as %s with knob, value and rule', (trust, message) => {
    expect(refusal({ file: `policies: [{ name: backends, trust: ${trust} }]` })).toContain(message);
  });
});

describe('the API that the command line talks to', () => {
  it('is the flag, else FULCRUM_URL, else this machine', () => {
    const environment = { FULCRUM_URL: 'http://from-environment' };
    expect(apiUrl('http://flag', environment)).toBe('http://flag');
    expect(apiUrl(undefined, environment)).toBe('http://from-environment');
    expect(apiUrl(undefined, {})).toBe('http://127.0.0.1:4747');
  });
});
