/** `RedisStore.apply` as a processor calls it: batches of its size, positions, event ids, outbox and due times on. */
import { PolicyBook, RedisStore } from 'fulcrum-trust/processor';
import { loadConfig } from '#dist/config.js';
import type { ApplyBatch, InteractionToApply } from '#dist/ports.js';
import type { TrustConfigOptions } from '#dist/trust/config.js';
import type { Policy } from '#dist/trust/policy.js';
import { betweenMs, eventToApply, pairOf } from '../events.js';
import type { Applier } from './applier.js';

/** As the processor has it. */
export const batchSize = loadConfig(null, {}, {}).config.processor.maxBatch;

const rules = { timedRecovery: true, streamed: true };

/** The policy that every pair is under. */
function policyWith(trust: TrustConfigOptions): Policy {
  return new PolicyBook({ version: 1, default: trust, policies: [] }).policyOf('default', 'a', 'b');
}

/** @param loops batches under way at a time: while Redis works on one, the next is packed */
export async function openOurs(
  url: string,
  pairs: number,
  loops: number,
  trust: TrustConfigOptions = {},
): Promise<Applier> {
  const policies = [policyWith(trust)];
  const store = await RedisStore.open({ url });
  await store.register(rules.timedRecovery);
  const known = Array.from({ length: pairs }, (_, i) => pairOf(i));
  // All of them lie in the past, as events of a backlog do.
  const startMs = Date.now() - betweenMs * 100_000_000;
  return {
    prepare: (first, count) => {
      const batches = batchesOf(first, count, (event) => {
        const pair = known[event % pairs];
        if (pair === undefined) throw new RangeError(`no pair of event ${event}`);
        return eventToApply(event, pair, startMs);
      });
      return () => applyAll(store, batches, policies, loops);
    },
    settle: async (applied) => {
      // What a processor does beside its batches, here between the runs.
      for (;;) {
        const entries = await store.outbox.read(1_000);
        if (entries.length === 0) break;
        await store.outbox.remove(entries);
      }
      await store.mark([{ source: 'bench', acknowledged: applied }]);
    },
    close: async () => await store.close(),
  };
}

function batchesOf(
  first: number,
  count: number,
  make: (event: number) => InteractionToApply,
): InteractionToApply[][] {
  const batches = [];
  for (let at = first; at < first + count; at += batchSize) {
    const size = Math.min(batchSize, first + count - at);
    batches.push(Array.from({ length: size }, (_, i) => make(at + i)));
  }
  return batches;
}

async function applyAll(
  store: RedisStore,
  batches: readonly (readonly InteractionToApply[])[],
  policies: readonly Policy[],
  loops: number,
): Promise<void> {
  // Shared by the loops: each takes the next, so that batches go out in their order.
  const remaining = batches[Symbol.iterator]();
  const loop = async (): Promise<void> => {
    for (const events of remaining) {
      const batch: ApplyBatch = { events, policies, rules, nowMs: Date.now(), states: false };
      const results = await store.apply(batch);
      const other = results.find(({ kind }) => kind !== 'applied');
      if (other !== undefined) throw new Error(`an event was not applied but ${other.kind}`);
    }
  };
  await Promise.all(Array.from({ length: loops }, loop));
}
