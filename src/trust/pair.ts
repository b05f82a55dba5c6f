import { createHash } from 'node:crypto';
import { TrustValueError } from './errors.js';

/**
 * The id of a pair of agents, the same in either order: the first 16 hex characters of the SHA-256 of both
 * names, sorted by code point and joined with ':'. Names that hold ':' are escaped first, so no two pairs
 * share an id by spelling; every other pair keeps the id that the Python package gives it.
 *
 * @throws TrustValueError when a name is not a string of well-formed Unicode.
 */
export function makePairId(agentA: string, agentB: string): string {
  return cache.get(agentA, agentB) ?? cache.set(agentA, agentB, digest(agentA, agentB));
}

function digest(agentA: string, agentB: string): string {
  checkName('agentA', agentA);
  checkName('agentB', agentB);
  return createHash('sha256').update(pairKey(agentA, agentB), 'utf8').digest('hex').slice(0, 16);
}

/** The text that the pair id is the hash of. */
export function pairKey(agentA: string, agentB: string): string {
  const [first, second] = compareCodePoints(agentA, agentB) <= 0 ? [agentA, agentB] : [agentB, agentA];
  if (!first.includes(':') && !second.includes(':')) return `${first}:${second}`;
  return `${escapeName(first)}:${escapeName(second)}`;
}

function escapeName(name: string): string {
  return name.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}

function checkName(argument: string, name: unknown): void {
  if (typeof name !== 'string') throw new TrustValueError(argument, name, 'must be a string');
  if (!name.isWellFormed()) throw new TrustValueError(argument, name, 'must be well-formed Unicode');
}

/**
 * Orders strings by code point. JavaScript's own order is that of UTF-16 units, which puts U+10000 and above
 * (stored as surrogates, 0xD800 to 0xDFFF) before U+E000 to U+FFFF.
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return rank(unitA) - rank(unitB);
  }
  return a.length - b.length;
}

function rank(unit: number): number {
  const surrogate = unit >= 0xd800 && unit <= 0xdfff;
  return surrogate ? unit + 0x10000 : unit;
}

/**
 * Pair ids by both names, in two generations: when the young one is full it becomes the old one and what the
 * old one held is forgotten. Two nested maps, because a joined key would cost more than the hash it saves.
 */
class PairIdCache {
  private young = new Map<string, Map<string, string>>();
  private old = new Map<string, Map<string, string>>();
  private size = 0;

  constructor(private readonly generationSize: number) {}

  get(agentA: string, agentB: string): string | undefined {
    const id = this.young.get(agentA)?.get(agentB);
    if (id !== undefined) return id;
    const aged = this.old.get(agentA)?.get(agentB);
    return aged === undefined ? undefined : this.set(agentA, agentB, aged);
  }

  set(agentA: string, agentB: string, id: string): string {
    if (agentA.length + agentB.length > longestCached) return id;
    if (this.size >= this.generationSize) {
      this.old = this.young;
      this.young = new Map();
      this.size = 0;
    }
    let byB = this.young.get(agentA);
    if (byB === undefined) {
      byB = new Map();
      this.young.set(agentA, byB);
    }
    byB.set(agentB, id);
    this.size++;
    return id;
  }
}

const longestCached = 1_024;
const cache = new PairIdCache(32_768);
