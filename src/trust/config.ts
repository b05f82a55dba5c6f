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
}

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
    for (const knob of trustConfigKnobs) {
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
] as const satisfies readonly (keyof TrustConfigOptions)[];

type Rule = (value: unknown, config: TrustConfig) => string | null;

const largest = 1e6;
const prior: Rule = (value) =>
  typeof value === 'number' && value > 0 && value <= largest ? null : 'must be in (0, 1e6]';
const weight: Rule = (value) =>
  typeof value === 'number' && value >= 0 && value <= largest ? null : 'must be in [0, 1e6]';

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
  recoveryCooldownSeconds: (value) =>
    value === null || (typeof value === 'number' && value > 0) ? null : 'must be null or > 0',
  alphaMax: (value, config) =>
    value === null || (typeof value === 'number' && value >= config.alphaPrior)
      ? null
      : `must be null or >= alphaPrior (${config.alphaPrior})`,
};
