import type { EventSink, LogSource, SharedStore } from '../../src/ports.js';
import type { ServerRules } from './store/server.js';

/** A mistake that can be planted: it changes a simulated part, or wraps a real one. */
export interface Mistake {
  readonly name: string;
  readonly server?: Partial<ServerRules>;
  readonly source?: (source: LogSource) => LogSource;
  readonly sink?: (sink: EventSink) => EventSink;
  readonly store?: (store: SharedStore) => SharedStore;
}

/** Mistakes that others have made, or that we nearly did. The simulation has to notice each of them. */
export const mistakes: readonly Mistake[] = [
  {
    name: 'acknowledge before apply',
    source: (source) =>
      changed(source, {
        read: async (maxMessages, maxWaitMs) => {
          const batch = await source.read(maxMessages, maxWaitMs);
          await batch?.ack();
          return batch === null ? null : { messages: batch.messages, ack: () => {} };
        },
      }),
  },
  { name: 'outbox written outside the atomic step', server: { outboxApart: true } },
  {
    name: 'position off by one',
    server: {
      ledger: (ledger) => ({
        ...ledger,
        setApplied: (source, sequence) => ledger.setApplied(source, sequence + 1),
      }),
    },
  },
  { name: 'floor moved too far', server: { floorAhead: 3 } },
  {
    name: "delete from the outbox before the broker's ack",
    sink: (sink) => ({
      publish: (messages) => void Promise.resolve(sink.publish(messages)).catch(() => {}),
    }),
  },
  { name: 'two relays without a lease', server: { leases: false } },
  {
    name: 'wall clock in decay',
    store: (store) =>
      changed(store, {
        apply: (batch) =>
          store.apply({
            ...batch,
            events: batch.events.map((event) => ({ ...event, time: batch.nowMs / 1_000 })),
          }),
      }),
  },
  {
    name: 'reset that forgets resetAt',
    server: {
      ledger: (ledger) => ({
        ...ledger,
        put: (tenant, kept) => ledger.put(tenant, { ...kept, pair: { ...kept.pair, resetAt: null } }),
      }),
    },
  },
  { name: 'adopting without re-reading', server: { takesOver: true } },
  {
    name: 'a late repeat that is left standing',
    store: (store) =>
      changed(store, {
        outbox: {
          read: (limit) => store.outbox.read(limit),
          remove: async (entries) => {
            await store.outbox.remove(entries);
            return [];
          },
        },
      }),
  },
];

/** The same but for some of its methods. */
function changed<T extends object>(whole: T, change: Partial<T>): T {
  return new Proxy(whole, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in change ? change : target, name);
      return typeof value === 'function' && !(name in change) ? value.bind(target) : value;
    },
  });
}
