import { TrustValueError } from './errors.js';

/** The knobs of the trust model, all optional; what is absent has the default of {@link TrustConfig}. */
export interface TrustConfigOptions {
  /** A score below this opens the circuit. In (0, 1). @defaultValue 0.3 */
  readonly threshold?: number;
  /** Seconds in which evidence loses half its weight; > 0, `Infinity` turns decay off. @defaultValue 86400 */
  readonly halfLifeSeconds?: number;
  /** alpha of a pair never seen, in (0, 1e6]. @defaultValue 1 */
  readonly alphaPrior?: number;
  /** beta of a pair never seen, in (0, 1e6]. @defaultValue 1 */
  readonly betaPrior?: number;
  /** What a success adds to alpha, in [0, 1e6]. @defaultValue 1 */
  readonly successWeight?: number;
  /** What a failure adds to beta, in [0, 1e6]. @defaultValue 1 */
  readonly failureWeight?: number;
  /** What a partial success adds to alpha, in [0, 1e6]. @defaultValue 0.5 */
  readonly partialAlphaWeight?: number;
  /** What a partial success adds to beta, in [0, 1e6]. @defaultValue 0.5 */
  readonly partialBetaWeight?: number;
  /** Seconds an opened circuit stays OPEN before a probe; null: it closes when the score is back. @defaultValue null */
  readonly recoveryCooldownSeconds?: number | null;
  /** Cap on alpha, so that a long good history does not delay opening; null: none. @defaultValue null */
  readonly alphaMax?: number | null;
  /**
   * What opens a circuit: `mean`, the score below the threshold; or `change`, failures that would be rare if the pair
   * failed as often as is usual for it. `change` needs a `recoveryCooldownSeconds`. @defaultValue 'mean'
   */
  readonly opening?: Opening;
  /** Under `change`: at most one false opening in so many good events; > 1. @defaultValue 10000 */
  readonly evidence?: number;
  /** Under `change`: how often a bad pair fails, in (normalMax, 1). @defaultValue 0.8 */
  readonly badRate?: number;
  /** Under `change`: any pair may fail this often, even right after a failure; in (0, normalMax). @defaultValue 0.1 */
  readonly normalRate?: number;
  /** Under `change`: failing more often is never learnt as normal; in (normalRate, badRate). @defaultValue 0.6 */
  readonly normalMax?: number;
  /** Under `change`: how many events are remembered as usual; >= 1, `Infinity` forgets none. @defaultValue 2000 */
  readonly memory?: number;
  /**
   * What moves a HALF_OPEN circuit: `any` event, or `leased` ones alone, whose `probe` is the number of the transition
   * that half-opened it. @defaultValue 'any'
   */
  readonly probes?: ProbeRule;
}

export const openings = ['mean', 'change'] as const;

export type Opening = (typeof openings)[number];

export const probeKinds = ['any', 'leased'] as const;

export type ProbeRule = (typeof probeKinds)[number];

/** The validated, frozen config of the trust model. Anything out of range is refused when it is made. */
export class TrustConfig implements Required<TrustConfigOptions> {
  readonly threshold: number = 0.3;
  readonly halfLifeSeconds: number = 86_400;
  readonly alphaPrior: number = 1;
  readonly betaPrior: number = 1;
  readonly successWeight: number = 1;
  readonly failureWeight: number = 1;
  readonly partialAlphaWeight: number = 0.5;
  readonly partialBetaWeight: number = 0.5;
  readonly recoveryCooldownSeconds: number | null = null;
  readonly alphaMax: number | null = null;
  readonly opening: Opening = 'mean';
  readonly evidence: number = 10_000;
  readonly badRate: number = 0.8;
  readonly normalRate: number = 0.1;
  readonly normalMax: number = 0.6;
  readonly memory: number = 2_000;
  readonly probes: ProbeRule = 'any';

  /**
   * @param options Knobs that differ from the defaults; `undefined` counts as absent.
   * @throws TrustValueError naming the knob, the value and the rule; an unknown knob is refused too.
   */
  constructor(options: TrustConfigOptions = {}) {
    const known: readonly string[] = trustConfigKnobs;
    for (const [knob, value] of Object.entries(options)) {
      if (!known.includes(knob))
        throw new TrustValueError(knob, value, `is not a knob of the trust config (${known.join(', ')})`);
      if (value !== undefined) Object.assign(this, { [knob]: value });
    }
    // What was given comes first: where two knobs do not go together, it is the one to mend.
    const given = trustConfigKnobs.filter((knob) => options[knob] !== undefined);
    for (const knob of [...given, ...trustConfigKnobs]) {
      const rule = rules[knob](this[knob], this);
      if (rule !== null) throw new TrustValueError(knob, this[knob], rule);
    }
    Object.freeze(this);
  }

  /** `options` as a config: a TrustConfig is returned as it is, anything else is validated. */
  static from(options: TrustConfigOptions | undefined): TrustConfig {
    return options instanceof TrustConfig ? options : new TrustConfig(options);
  }
}

/** Every knob, in the order of the documentation. */
export const trustConfigKnobs = [
  'threshold',
  'halfLifeSeconds',
  'alphaPrior',
  'betaPrior',
  'successWeight',
  'failureWeight',
  'partialAlphaWeight',
  'partialBetaWeight',
  'recoveryCooldownSeconds',
  'alphaMax',
  'opening',
  'evidence',
  'badRate',
  'normalRate',
  'normalMax',
  'memory',
  'probes',
] as const satisfies readonly (keyof TrustConfigOptions)[];

type Rule = (value: unknown, config: TrustConfig) => string | null;

const largest = 1e6;
const prior: Rule = (value) =>
  typeof value === 'number' && value > 0 && value <= largest ? null : 'must be in (0, 1e6]';
const weight: Rule = (value) =>
  typeof value === 'number' && value >= 0 && value <= largest ? null : 'must be in [0, 1e6]';

function oneOf(words: readonly string[]): Rule {
  return (value) => (words.some((word) => word === value) ? null : `must be one of ${words.join(', ')}`);
}

/** The rates of `change` lie between each other, ends excluded. */
function within(
  value: unknown,
  low: number,
  lowName: string | null,
  high: number,
  highName: string | null = null,
): string | null {
  if (typeof value === 'number' && value > low && value < high) return null;
  const end = (bound: number, name: string | null) => (name === null ? `${bound}` : `${name} (${bound})`);
  return `must be > ${end(low, lowName)} and < ${end(high, highName)}`;
}

const rules: Record<(typeof trustConfigKnobs)[number], Rule> = {
  threshold: (value) =>
    typeof value === 'number' && value > 0 && value < 1 ? null : 'must be in (0, 1), both ends excluded',
  halfLifeSeconds: (value) =>
    typeof value === 'number' && value > 0 ? null : 'must be > 0 (Infinity turns decay off)',
  alphaPrior: prior,
  betaPrior: prior,
  successWeight: weight,
  failureWeight: weight,
  partialAlphaWeight: weight,
  partialBetaWeight: weight,
  recoveryCooldownSeconds: (value, config) => {
    if (value === null) return config.opening === 'change' ? 'must be > 0 under opening change' : null;
    return typeof value === 'number' && value > 0 ? null : 'must be null or > 0';
  },
  alphaMax: (value, config) =>
    value === null || (typeof value === 'number' && value >= config.alphaPrior)
      ? null
      : `must be null or >= alphaPrior (${config.alphaPrior})`,
  opening: oneOf(openings),
  evidence: (value) =>
    typeof value === 'number' && value > 1 && value < Number.POSITIVE_INFINITY
      ? null
      : 'must be > 1 and finite',
  badRate: (value, config) => within(value, config.normalMax, 'normalMax', 1),
  normalRate: (value, config) => within(value, 0, null, config.normalMax, 'normalMax'),
  normalMax: (value, config) => within(value, config.normalRate, 'normalRate', config.badRate, 'badRate'),
  memory: (value) =>
    typeof value === 'number' && value >= 1 ? null : 'must be >= 1 (Infinity forgets nothing)',
  probes: oneOf(probeKinds),
};
