import { TrustConfig, type TrustConfigOptions } from '../trust/config.js';
import { TrustValueError } from '../trust/errors.js';
import type { Policy } from '../trust/policy.js';

/** A policy as it is written: what differs from the fleet's default, and whom it is for. */
export interface PolicyEntry {
  readonly name: string;
  readonly match: {
    /** Glob over tenants. @defaultValue '*' */
    readonly tenant?: string;
    /** Globs over the two agents, which match in either order. @defaultValue ['*', '*'] */
    readonly agents?: readonly [string, string];
  };
  readonly trust?: TrustConfigOptions;
  /** false: shadow mode. @defaultValue true */
  readonly enforced?: boolean;
}

/** All policies of a fleet. The first that matches a pair holds; the last one is for all others. */
export interface PolicyDocument {
  /** Rises with every change. */
  readonly version: number;
  readonly default: TrustConfigOptions;
  readonly policies: readonly PolicyEntry[];
}

interface Rule {
  readonly policy: Policy;
  readonly tenant: RegExp;
  readonly agents: readonly [RegExp, RegExp];
}

/** How many pairs' policies are remembered. */
const cacheSize = 50_000;

/** Which policy a pair is under. */
export class PolicyBook {
  private readonly rules: readonly Rule[];
  private readonly fallback: Policy;
  private cache = new Map<string, Policy>();

  /** @throws TrustValueError when a config is out of range; the message names the policy. */
  constructor(document: PolicyDocument) {
    const make = (entry: PolicyEntry): Policy => ({
      name: entry.name,
      version: document.version,
      config: policyConfig(entry.name, { ...document.default, ...entry.trust }),
      enforced: entry.enforced ?? true,
    });
    this.fallback = make({ name: 'default', match: {} });
    this.rules = document.policies.map((entry) => ({
      policy: make(entry),
      tenant: globToRegExp(entry.match.tenant ?? '*'),
      agents: [globToRegExp(entry.match.agents?.[0] ?? '*'), globToRegExp(entry.match.agents?.[1] ?? '*')],
    }));
  }

  readonly policyOf = (tenant: string, agentA: string, agentB: string): Policy => {
    if (this.rules.length === 0) return this.fallback;
    const key = `${tenant}\n${agentA}\n${agentB}`;
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    const found = this.rules.find((rule) => matches(rule, tenant, agentA, agentB))?.policy ?? this.fallback;
    if (this.cache.size >= cacheSize) this.cache = new Map();
    this.cache.set(key, found);
    return found;
  };

  /** Every policy, in the order in which they are tried. */
  get all(): readonly Policy[] {
    return [...this.rules.map((rule) => rule.policy), this.fallback];
  }
}

function matches(rule: Rule, tenant: string, agentA: string, agentB: string): boolean {
  const [first, second] = rule.agents;
  return (
    rule.tenant.test(tenant) &&
    ((first.test(agentA) && second.test(agentB)) || (first.test(agentB) && second.test(agentA)))
  );
}

/** Under a processor decay lifts alpha towards 1, so a cap below that would not hold. */
function policyConfig(name: string, options: TrustConfigOptions): TrustConfig {
  let config: TrustConfig;
  try {
    config = new TrustConfig(options);
  } catch (error) {
    if (!(error instanceof TrustValueError)) throw error;
    throw new TrustValueError(`policy ${name}: ${error.knob}`, error.value, error.rule);
  }
  if (config.alphaMax !== null && config.alphaMax < 1)
    throw new TrustValueError(
      `policy ${name}: alphaMax`,
      config.alphaMax,
      'must be null or >= 1 in a policy',
    );
  return config;
}

/** `*` is any text, `?` is one character, all else is itself. */
export function globToRegExp(glob: string): RegExp {
  const pattern = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`, 'su');
}
