import { describe, expect, it } from 'vitest';
import type { OutboxEntry, SinkMessage } from '../../src/ports.js';
import { Relay, roundsByPair } from '../../src/processor/relay.js';
import { MemoryStore } from '../../src/store/memory.js';
import { makePairId } from '../../src/trust/pair.js';
import { eventOf, policyBook, start, until } from './given.js';
import { failingFirst } from './wrappers.js';

const policy = policyBook().policyOf('default', 'a', 'b');

/** A store in whose outbox stand transitions of these pairs, in this order: each is terminated, reset, and again. */
function storeWith(pairs: readonly string[]): MemoryStore {
  const store = new MemoryStore({ clock: () => start });
  pairs.forEach((agentB, i) => void change(store, agentB, start + i));
  return store;
}

function change(store: MemoryStore, agentB: string, time: number): void {
  const pairId = makePairId('a', agentB);
  store.command({
    tenant: 'default',
    pairId,
    agentA: 'a',
    agentB,
    action: store.read('default', pairId)?.state == null ? 'terminate' : 'reset',
    time,
    actor: 'ann',
    reason: '',
    eventId: `${agentB} at ${time}`,
    policy,
    rules: { timedRecovery: false, streamed: true },
    nowMs: start * 1_000,
    traceparent: null,
  });
}

/** A sink that takes a while, and remembers each call. */
function slowSink() {
  const calls: string[][] = [];
  let underWay = 0;
  return {
    calls,
    publish: async (messages: readonly SinkMessage[]): Promise<void> => {
      expect(++underWay).toBe(1);
      calls.push(messages.map(named));
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
    },
  };
}

function named(message: SinkMessage): string {
  const { agent_b: agentB, to } = eventOf(message).data;
  return `${agentB} ${to}`;
}

describe('the relay', () => {
  it('asks an outbox once that holds no more than is taken out at a time', async () => {
    const store = storeWith(['x', 'y']);
    let reads = 0;
    const outbox = {
      read: (limit: number) => {
        reads++;
        return store.outbox.read(limit);
      },
      remove: store.outbox.remove,
    };
    await new Relay(outbox, slowSink()).flush();
    expect(reads).toBe(1);
    expect(store.outbox.read(1)).toEqual([]);
  });

  it("publishes one pair's transitions one after another, and those of several pairs together", async () => {
    const store = storeWith(['x', 'y', 'x', 'z', 'x', 'y']);
    const sink = slowSink();
    await new Relay(store.outbox, sink).flush();
    expect(sink.calls).toEqual([
      ['x TERMINATED', 'y TERMINATED', 'z TERMINATED'],
      ['x CLOSED', 'y CLOSED'],
      ['x TERMINATED'],
    ]);
    expect(store.outbox.read(1)).toEqual([]);
  });

  it('publishes more than it takes out at a time, in order', async () => {
    const pairs = Array.from({ length: 1_201 }, (_, i) => `agent-${i % 7}`);
    const store = storeWith(pairs);
    const entries = store.outbox.read(2_000);
    const sink = slowSink();
    await new Relay(store.outbox, sink).flush();
    const published = sink.calls.flat();
    expect(published).toHaveLength(1_201);
    for (let i = 0; i < 7; i++) {
      const of = (name: string): boolean => name.startsWith(`agent-${i} `);
      const stored = entries.map(({ transition }) => `${transition.agentB} ${transition.to}`);
      expect(published.filter(of)).toEqual(stored.filter(of));
    }
  });

  it('keeps what a failing sink did not take, and publishes it again under the same id', async () => {
    const store = storeWith(['x', 'x']);
    const ids: string[] = [];
    const publish = failingFirst(1, (messages: readonly SinkMessage[]) => {
      ids.push(...messages.map(({ id }) => id));
    });
    const relay = new Relay(store.outbox, { publish });
    const stored = store.outbox.read(10);
    await expect(relay.flush()).rejects.toThrow('away');
    expect(store.outbox.read(10)).toEqual(stored);
    await relay.flush();
    expect(ids).toEqual(stored.map(({ tenant, transition: t }) => `${tenant}/${t.pairId}/${t.transition}`));
  });

  it('does not take an entry away before the sink has it, nor when the sink fails at the next of its pair', async () => {
    const store = storeWith(['x', 'x', 'x']);
    const published: string[] = [];
    let away = true;
    const relay = new Relay(store.outbox, {
      publish: (messages) => {
        if (published.length === 1 && away) throw new Error('away');
        expect(store.outbox.read(10)).toHaveLength(3);
        published.push(...messages.map(named));
      },
    });
    await expect(relay.flush()).rejects.toThrow('away');
    away = false;
    await relay.flush();
    expect(published).toEqual(['x TERMINATED', 'x TERMINATED', 'x CLOSED', 'x TERMINATED']);
  });

  it('publishes again what it could not remove, under the same id', async () => {
    const store = storeWith(['x']);
    const ids: string[] = [];
    const outbox = { read: store.outbox.read, remove: failingFirst(1, store.outbox.remove) };
    const relay = new Relay(outbox, {
      publish: (messages) => void ids.push(...messages.map(({ id }) => id)),
    });
    await expect(relay.flush()).rejects.toThrow('away');
    await relay.flush();
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('tells of what was gone when it came back to what it may have published late', async () => {
    const store = storeWith(['x', 'x', 'y']);
    const [x, , y] = store.outbox.read(10);
    const told: unknown[] = [];
    let now = start;
    let away = true;
    const relay = new Relay(
      store.outbox,
      {
        publish: () => {
          // The broker has it, and nobody hears of that; meanwhile another relay has published and removed it all.
          store.outbox.remove(store.outbox.read(10));
          if (away) throw new Error('away');
        },
      },
      { clock: () => now, onGone: (gone, readAt) => void told.push([gone, readAt]) },
    );
    await expect(relay.flush()).rejects.toThrow('away');
    expect(told).toEqual([]);
    now += 5;
    away = false;
    await relay.flush();
    expect(told).toEqual([[[x, y], start]]);
    await relay.flush();
    expect(told).toHaveLength(1);
  });

  it("tells of a pair's next transitions that it published twice, for the broker may drop the newer repeat alone", async () => {
    const store = storeWith(['x', 'x', 'y']);
    const [, next] = store.outbox.read(10);
    const told: unknown[] = [];
    const outbox = { read: store.outbox.read, remove: failingFirst(1, store.outbox.remove) };
    const onGone = (gone: readonly OutboxEntry[], readAt: number): void => void told.push([gone, readAt]);
    const relay = new Relay(outbox, { publish: () => {} }, { clock: () => start, onGone });
    await expect(relay.flush()).rejects.toThrow('away');
    await relay.flush();
    expect(told).toEqual([[[next], start]]);
  });

  it('does not tell of a single transition that it published twice', async () => {
    const store = storeWith(['x']);
    const told: unknown[] = [];
    const publish = failingFirst(1, () => {});
    const relay = new Relay(store.outbox, { publish }, { onGone: (gone) => void told.push(gone) });
    await expect(relay.flush()).rejects.toThrow('away');
    await relay.flush();
    expect(told).toEqual([]);
  });

  it('answers who asks while it runs only when what was there by then is published', async () => {
    const store = storeWith(['x']);
    const gates: (() => void)[] = [];
    const heard: string[] = [];
    const relay = new Relay(store.outbox, {
      publish: async (messages) => {
        await new Promise<void>((open) => gates.push(open));
        heard.push(...messages.map(named));
      },
    });
    const first = relay.flush();
    await until(() => gates.length === 1);
    change(store, 'y', start + 1);
    const others = [relay.flush(), relay.flush()].map((flush) =>
      flush.then(() => void heard.push('answered')),
    );
    gates[0]?.();
    await until(() => gates.length === 2);
    expect(heard).toEqual(['x TERMINATED']);
    gates[1]?.();
    await Promise.all([first, ...others]);
    expect(heard).toEqual(['x TERMINATED', 'y TERMINATED', 'answered', 'answered']);
  });
});

describe('roundsByPair', () => {
  it('keeps tenants apart: the same agents of two tenants are two pairs', () => {
    const [entry] = storeWith(['x']).outbox.read(1) as [OutboxEntry];
    const other = { ...entry, id: '2', tenant: 'other' };
    expect(roundsByPair([entry, other, entry])).toEqual([[entry, other], [entry]]);
  });
});
