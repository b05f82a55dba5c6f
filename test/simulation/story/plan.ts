import type { TrustConfigOptions } from '../../../src/trust/config.js';
import type { PolicyEntry } from '../../../src/trust/policies.js';
import { Random } from '../random.js';

/** What goes wrong, and when, in ms since the beginning. */
export type Trouble = { readonly atMs: number } & (
  | { readonly kind: 'kill' | 'stop'; readonly backAfterMs: number }
  | { readonly kind: 'pause' | 'relay sleeps' | 'bus away' | 'store away'; readonly forMs: number }
  | { readonly kind: 'store crash'; readonly forMs: number; readonly lostMs: number }
);

/** What one seed is about: who takes part, how they are set, and what goes wrong. */
export interface Plan {
  readonly kind: 'stream' | 'partitions';
  readonly processors: number;
  readonly servers: number;
  readonly lengthMs: number;
  readonly pairs: number;
  readonly interactions: number;
  readonly commands: number;
  /** How many times much comes at once. */
  readonly bursts: number;
  readonly maxBatch: number;
  readonly replaySpan: number;
  readonly leaseMs: number;
  readonly ackWaitMs: number;
  readonly generationMs: number;
  readonly duplicateWindowMs: number;
  readonly stillAtWork: number;
  readonly outOfOrder: number;
  /** How likely a request comes to harm, of each kind. */
  readonly harm: number;
  readonly slow: number;
  /** How far the clocks of processes and producers are off, at most. */
  readonly skewMs: number;
  readonly trust: TrustConfigOptions;
  readonly policies: readonly PolicyEntry[];
  readonly troubles: readonly Trouble[];
}

export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const lengthMs = random.between(1_500, 5_000);
  const kind = random.pick(['stream', 'stream', 'partitions'] as const);
  const processors = random.pick([1, 2, 2, 3, 4] as const);
  return {
    kind,
    processors,
    servers: random.chance(0.3) ? 2 : 1,
    lengthMs,
    pairs: random.whole(1, 4),
    interactions: random.whole(8, 40),
    commands: random.whole(0, 5),
    maxBatch: random.pick([1, 3, 8, 64] as const),
    replaySpan: random.pick([0, 0, 4, 1_000_000] as const),
    leaseMs: random.between(150, 1_000),
    ackWaitMs: random.between(200, 1_500),
    generationMs: 3_000,
    duplicateWindowMs: kind === 'partitions' ? 0 : random.pick([0, 400, 120_000] as const),
    stillAtWork: random.pick([0, 0.5, 0.98] as const),
    outOfOrder: random.pick([0, 0.3, 1] as const),
    harm: random.pick([0, 0, 0.01, 0.05] as const),
    slow: random.pick([0, 0.02, 0.1] as const),
    bursts: random.whole(0, 4),
    skewMs: random.pick([0, 5, 400] as const),
    trust: trustOf(random),
    policies: random.chance(0.4)
      ? [
          {
            name: 'probing',
            match: { agents: ['a*', '*'] },
            trust: { recoveryCooldownSeconds: random.between(0.3, 2) },
          },
        ]
      : [],
    troubles: troublesOf(random, lengthMs, random.chance(0.4)),
  };
}

function trustOf(random: Random): TrustConfigOptions {
  return {
    threshold: random.pick([0.3, 0.45] as const),
    halfLifeSeconds: random.pick([1, 5, 60, 86_400] as const),
    ...recoveryOf(random),
  };
}

const troubles = [
  'kill',
  'kill',
  'stop',
  'pause',
  // With what it has read in its hands.
  'relay sleeps',
  'relay sleeps',
  'bus away',
  'store away',
] as const;
/** A generation of marks is older than this. */
const longestLossMs = 1_500;

function recoveryOf(random: Random): TrustConfigOptions {
  const recoveryCooldownSeconds = random.between(0.1, 2);
  const kind = random.pick(['decay', 'decay', 'cooldown', 'change'] as const);
  if (kind === 'decay') return {};
  // Few failures have to be enough in stories so short.
  return kind === 'cooldown'
    ? { recoveryCooldownSeconds }
    : { recoveryCooldownSeconds, opening: 'change', evidence: 20 };
}

function troublesOf(random: Random, lengthMs: number, lossy: boolean): Trouble[] {
  // Some stories go well but for the order of things: what breaks there has no excuse.
  const count = random.chance(0.2) ? 0 : random.whole(1, 5);
  return Array.from({ length: count }, (): Trouble => {
    const atMs = random.between(100, lengthMs);
    const forMs = random.exponential(random.pick([200, 500, 1_500] as const)) + 20;
    const kind = random.pick(lossy ? ([...troubles, 'store crash', 'store crash'] as const) : troubles);
    if (kind === 'store crash') {
      const lostMs = random.chance(0.2) ? 0 : random.between(0, longestLossMs);
      return { atMs, kind, forMs, lostMs };
    }
    return kind === 'kill' || kind === 'stop' ? { atMs, kind, backAfterMs: forMs } : { atMs, kind, forMs };
  }).sort((a, b) => a.atMs - b.atMs);
}
