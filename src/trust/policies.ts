import { TrustConfig, type TrustConfigOptions } from './config.js';
import { TrustValueError } from './errors.js';
import type { Policy } from './policy.js';

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
  readonly tenant: string;
  readonly agents: readonly [string, string];
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
      tenant: entry.match.tenant ?? '*',
      agents: entry.match.agents ?? ['*', '*'],
    }));
  }

  /** The policy of a pair: the first that matches, else the default. */
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
    matchesGlob(rule.tenant, tenant) &&
    ((matchesGlob(first, agentA) && matchesGlob(second, agentB)) ||
      (matchesGlob(first, agentB) && matchesGlob(second, agentA)))
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

/** Whether `text` is of the form of `glob`: `*` is any text, `?` is one character, all else is itself. */
export function matchesGlob(glob: string, text: string): boolean {
  const pattern = [...glob];
  const characters = [...text];
  let at = 0;
  let star = -1;
  let resume = 0;
  // Only the last star is ever tried again, so the time is bounded by the product of the lengths: names come
  // from whoever sends events, and must not be able to keep the processor busy.
  for (let i = 0; i < characters.length; ) {
    if (pattern[at] === '*') {
      star = at++;
      resume = i;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === characters[i])) {
      at++;
      i++;
    } else if (star >= 0) {
      at = star + 1;
      i = ++resume;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
