/** One script call an event over hash fields, so many under way: none of what ours does beside. */
import { betweenMs, outcomeOf, pairOf } from '../events.js';
import { type NaiveEvent, NaiveStore } from '../naive/store.js';
import type { Applier } from './applier.js';

export const mostInFlight = 256;

export async function openNaive(url: string, pairs: number): Promise<Applier> {
  const store = await NaiveStore.open(url);
  const startMs = Date.now() - betweenMs * 100_000_000;
  return {
    prepare: (first, count) => {
      const events = Array.from({ length: count }, (_, i) => {
        const event = first + i;
        const { agentA, agentB } = pairOf(event % pairs);
        return { agentA, agentB, outcome: outcomeOf(event), time: (startMs + betweenMs * event) / 1_000 };
      });
      return () => applyAll(store, events);
    },
    settle: async () => {},
    close: () => store.close(),
  };
}

async function applyAll(store: NaiveStore, events: readonly NaiveEvent[]): Promise<void> {
  const remaining = events[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (const event of remaining) await store.apply(event);
  };
  await Promise.all(Array.from({ length: mostInFlight }, lane));
}
