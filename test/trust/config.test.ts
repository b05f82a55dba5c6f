import { describe, expect, it } from 'vitest';
import { TrustConfig, type TrustConfigOptions, trustConfigKnobs } from '../../src/trust/config.js';
import { TrustValueError } from '../../src/trust/errors.js';
import { readJsonLines, sharedFile } from '../helpers/shared.js';

type Word = 'opening' | 'probes';
type Knob = Exclude<keyof TrustConfigOptions, Word>;

interface KnobRule {
  readonly legal: readonly (number | null)[];
  readonly refused: readonly number[];
  readonly rule: string;
}

const tiny = Number.MIN_VALUE;
const infinity = Number.POSITIVE_INFINITY;
const overMillion = 1_000_000.000_000_1;

const prior: KnobRule = {
  legal: [tiny, 1e-300, 1, 1e6],
  refused: [0, -0, -tiny, -1, overMillion, infinity, -infinity],
  rule: '(0, 1e6]',
};
const weight: KnobRule = {
  legal: [0, tiny, 1, 1e6],
  refused: [-tiny, -1, overMillion, infinity, -infinity],
  rule: '[0, 1e6]',
};

const knobRules: Record<Knob, KnobRule> = {
  threshold: {
    legal: [tiny, 0.5, 1 - 2 ** -53],
    refused: [0, -0, -tiny, 1, 1.5, infinity, -infinity],
    rule: '(0, 1)',
  },
  halfLifeSeconds: { legal: [tiny, 1, 1e308, infinity], refused: [0, -0, -1, -infinity], rule: '> 0' },
  alphaPrior: prior,
  betaPrior: prior,
  successWeight: weight,
  failureWeight: weight,
  partialAlphaWeight: weight,
  partialBetaWeight: weight,
  recoveryCooldownSeconds: {
    legal: [null, tiny, 60, infinity],
    refused: [0, -0, -5, -infinity],
    rule: 'null or > 0',
  },
  alphaMax: {
    legal: [null, 1, 1 + Number.EPSILON, infinity],
    refused: [0, 1 - Number.EPSILON, -1, -infinity],
    rule: '>= alphaPrior (1)',
  },
  evidence: { legal: [1 + Number.EPSILON, 10_000, 1e300], refused: [1, 0, -1, infinity], rule: '> 1' },
  badRate: {
    legal: [0.6 + Number.EPSILON, 1 - 2 ** -53],
    refused: [0.6, 0, 1, 1.5, infinity],
    rule: '> normalMax (0.6) and < 1',
  },
  normalRate: {
    legal: [tiny, 0.5],
    refused: [0, -tiny, 0.6, 0.7, 1, infinity],
    rule: '> 0 and < normalMax (0.6)',
  },
  normalMax: {
    legal: [0.1 + Number.EPSILON, 0.75],
    refused: [0.1, 0, 0.8, 0.9, infinity],
    rule: '> normalRate (0.1) and < badRate (0.8)',
  },
  memory: { legal: [1, 2_000, 1e9, infinity], refused: [0, 0.5, -1, -infinity], rule: '>= 1' },
};

const rows = Object.entries(knobRules) as [Knob, KnobRule][];

function refusal(options: object): TrustValueError {
  try {
    new TrustConfig(options);
  } catch (error) {
    if (error instanceof TrustValueError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(options)} was accepted`);
}

describe('the trust config', () => {
  it('has the documented defaults', () => {
    expect({ ...new TrustConfig() }).toEqual({
      threshold: 0.3,
      halfLifeSeconds: 86_400,
      alphaPrior: 1,
      betaPrior: 1,
      successWeight: 1,
      failureWeight: 1,
      partialAlphaWeight: 0.5,
      partialBetaWeight: 0.5,
      recoveryCooldownSeconds: null,
      alphaMax: null,
      opening: 'mean',
      evidence: 10_000,
      badRate: 0.8,
      normalRate: 0.1,
      normalMax: 0.6,
      memory: 2_000,
      probes: 'any',
    });
    expect([...trustConfigKnobs].sort()).toEqual([...Object.keys(knobRules), 'opening', 'probes'].sort());
  });

  it.each(rows)('takes every legal %s, both ends included', (knob, { legal }) => {
    for (const value of legal) expect(new TrustConfig({ [knob]: value })[knob]).toBe(value);
  });

  it.each(rows)('refuses %s outside its range and names knob, value and rule', (knob, { refused, rule }) => {
    for (const value of [...refused, Number.NaN]) {
      const error = refusal({ [knob]: value });
      expect(error.knob).toBe(knob);
      expect(error.value).toBe(value);
      expect(error.rule).toContain(rule);
      expect(error.message).toBe(`${knob} ${error.rule}, got ${value}`);
    }
  });

  it.each(rows)('refuses %s of another type than number', (knob, { legal }) => {
    const foreign: unknown[] = ['0.5', '', true, false, {}, [1], 1n, () => 1];
    if (!legal.includes(null)) foreign.push(null);
    for (const value of foreign) {
      const error = refusal({ [knob]: value });
      expect([error.knob, error.value]).toEqual([knob, value]);
    }
  });

  it('judges the cap on alpha against the prior that is given with it', () => {
    expect(new TrustConfig({ alphaMax: 0.5, alphaPrior: 0.5 }).alphaMax).toBe(0.5);
    expect(refusal({ alphaMax: 5, alphaPrior: 6 }).message).toBe(
      'alphaMax must be null or >= alphaPrior (6), got 5',
    );
  });

  it('opens on a change only under a cooldown', () => {
    expect(new TrustConfig({ opening: 'change', recoveryCooldownSeconds: 60 }).opening).toBe('change');
    expect(refusal({ opening: 'change' }).message).toBe(
      'recoveryCooldownSeconds must be > 0 under opening change, got null',
    );
    expect(refusal({ opening: 'sudden' }).message).toBe('opening must be one of mean, change, got "sudden"');
    expect(refusal({ probes: 'all' }).message).toBe('probes must be one of any, leased, got "all"');
  });

  it('blames the rate that was given where two of them are out of order', () => {
    expect(refusal({ badRate: 0.5 }).message).toBe('badRate must be > normalMax (0.6) and < 1, got 0.5');
    expect(refusal({ normalMax: 0.9 }).message).toBe(
      'normalMax must be > normalRate (0.1) and < badRate (0.8), got 0.9',
    );
    expect(new TrustConfig({ normalMax: 0.9, badRate: 0.95 }).normalMax).toBe(0.9);
  });

  it('refuses an unknown knob and lists the known ones', () => {
    const error = refusal({ treshold: 0.3 });
    expect(error.message).toContain('treshold is not a knob');
    expect(error.message).toContain('threshold');
    expect(error.message).toContain('0.3');
    expect(refusal({ half_life_seconds: 1 }).knob).toBe('half_life_seconds');
    expect(refusal({ toString: 1 }).knob).toBe('toString');
  });

  it('takes undefined as absent', () => {
    const knobs = Object.fromEntries(trustConfigKnobs.map((knob) => [knob, undefined]));
    expect(new TrustConfig(knobs)).toEqual(new TrustConfig());
  });

  it('cannot be changed once it is made', () => {
    const options = { threshold: 0.4 };
    const config = new TrustConfig(options);
    options.threshold = 0.9;
    expect(Object.isFrozen(config)).toBe(true);
    expect(() => Object.assign(config, { threshold: 2 })).toThrow(TypeError);
    expect(config.threshold).toBe(0.4);
  });

  it('is passed on as it is by from, which validates everything else', () => {
    const config = new TrustConfig();
    expect(TrustConfig.from(config)).toBe(config);
    expect(TrustConfig.from(undefined)).toEqual(config);
    expect(() => TrustConfig.from({ threshold: 0 })).toThrow(TrustValueError);
  });
});

interface GoldenLine {
  readonly config: Readonly<Record<string, number | string>>;
  readonly ok: boolean;
}

const golden = sharedFile('parity/golden_config_validation.jsonl');

describe.skipIf(golden === null)('the reference config', () => {
  const lines = golden === null ? [] : readJsonLines<GoldenLine>(golden);

  it.each(lines.map((line) => [JSON.stringify(line.config), line] as const))(
    'is judged alike: %s',
    (_, line) => {
      const options = camelCase(line.config);
      const accepted = line.ok && !departs(line.config);
      if (accepted) expect(() => new TrustConfig(options)).not.toThrow();
      else expect(() => new TrustConfig(options)).toThrow(TrustValueError);
    },
  );
});

/** Refused here and not there, on purpose: a negative weight, a prior that is not above 0. */
function departs(config: GoldenLine['config']): boolean {
  return Object.entries(config).some(
    ([knob, value]) =>
      (knob.endsWith('_weight') && Number(value) < 0) || (knob.endsWith('_prior') && Number(value) <= 0),
  );
}

function camelCase(config: GoldenLine['config']): TrustConfigOptions {
  return Object.fromEntries(
    Object.entries(config).map(([knob, value]) => [
      knob.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value === 'inf' ? infinity : value,
    ]),
  );
}
