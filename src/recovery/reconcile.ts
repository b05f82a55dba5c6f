import type { AnnounceRequest, AnnounceResult, TrustStore } from '../ports.js';
import type { Work } from '../processor/work.js';
import { neverPublished } from '../trust/announce.js';
import { transitionClock } from '../trust/evaluator.js';
import type { PublishedCircuits, PublishedPair } from './published-circuits.js';

/** Pairs that are compared at the same time. */
const atATime = 100;

export interface Reconciled {
  /** Pairs that were compared. */
  readonly pairs: number;
  /** Those of them whose circuit differed, and is told now. */
  readonly announced: number;
}

export interface ReconcileRequest {
  /** What was published last, as the circuits log has it after all that the outbox held was published. */
  readonly published: Pick<PublishedCircuits, 'all' | 'has'>;
  /** These are all circuits that ever were: a pair that is none of them was never published. */
  readonly whole: boolean;
}

/**
 * Compares circuits with what was published last of them, after events were applied that published nothing. What differs
 * is put into the outbox, and publishing it is the caller's. Doing it again tells nothing twice, once that is published.
 */
export async function reconcile(
  work: Pick<Work, 'store' | 'policies' | 'rules' | 'clock' | 'must'>,
  { published, whole }: ReconcileRequest,
): Promise<Reconciled> {
  let pairs = 0;
  let announced = 0;
  for await (const group of groups(whole ? withUnpublished(work.store, published) : published.all())) {
    const results = await Promise.all(
      group.map((pair) => work.must('announce circuits', () => announce(work, pair))),
    );
    pairs += results.length;
    announced += results.filter(({ kind }) => kind === 'announced').length;
  }
  return { pairs, announced };
}

async function announce(
  { store, policies, rules, clock }: Parameters<typeof reconcile>[0],
  pair: PublishedPair,
): Promise<AnnounceResult> {
  const request: AnnounceRequest = {
    ...pair,
    policy: policies().policyOf(pair.tenant, pair.agentA, pair.agentB),
    timedRecovery: rules.timedRecovery,
    nowMs: transitionClock(clock()),
  };
  return store.announce(request);
}

async function* withUnpublished(
  store: TrustStore,
  published: ReconcileRequest['published'],
): AsyncGenerator<PublishedPair> {
  yield* published.all();
  for await (const { tenant, pair } of store.circuits()) {
    const { pairId, agentA, agentB } = pair;
    if (!published.has(tenant, pairId)) yield { tenant, pairId, agentA, agentB, published: neverPublished };
  }
}

async function* groups<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < atATime) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
