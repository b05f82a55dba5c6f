import { describe, expect, it } from 'vitest';
import type { TrustStore } from '../../../src/ports.js';
import { apply, collapse, command, interaction, outboxOf, start, story, success } from './given.js';
import { openFor, type StoreUnderTest } from './under-test.js';

/** Opens the circuits of `agents` with b, one after another in one batch. */
const collapseAll = (store: TrustStore, agents: readonly string[]) =>
  apply(
    store,
    agents.map((agentA, i) => collapse(start + i, { agentA })),
  );

export function keepsAnOutbox(under: StoreUnderTest): void {
  const inOneOrder = it.skipIf(under.scattered === true);

  describe('keeps transitions until they are published', () => {
    inOneOrder('in the order in which they were made', async () => {
      const store = await openFor(under);
      await collapseAll(store, ['c', 'a']);
      await store.command(command('terminate', start + 5));
      await apply(store, [collapse(start + 6, { agentA: 'd' })]);
      expect(await story(store)).toEqual([
        'c-b opened at 0',
        'a-b opened at 1',
        'a-b terminated at 5',
        'd-b opened at 6',
      ]);
    });

    it('with tenant and trace of the event that caused them', async () => {
      const store = await openFor(under);
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      const [result] = await apply(store, [collapse(start, { tenant: 'acme', traceparent })]);
      expect(await outboxOf(store)).toEqual([
        {
          id: expect.any(String),
          tenant: 'acme',
          traceparent,
          transition: result?.kind === 'applied' ? result.transitions[0] : null,
        },
      ]);
    });

    it('with names of any script and length', async () => {
      const store = await openFor(under);
      const agentA = `агент-💥-"\\\u2028${'x'.repeat(2_000)}`;
      await apply(store, [collapse(start, { agentA })]);
      expect((await outboxOf(store))[0]?.transition.agentA).toBe(agentA);
    });

    inOneOrder('as many as are asked for, the oldest first', async () => {
      const store = await openFor(under);
      await collapseAll(store, ['c', 'd', 'e']);
      const oldest = await store.outbox.read(2);
      expect(oldest.map(({ transition }) => transition.agentA)).toEqual(['c', 'd']);
      expect(await store.outbox.read(2)).toEqual(oldest);
    });

    inOneOrder('and no longer', async () => {
      const store = await openFor(under);
      await collapseAll(store, ['c', 'd', 'e']);
      await store.outbox.remove(await store.outbox.read(2));
      expect(await story(store)).toEqual(['e-b opened at 2']);
      await store.outbox.remove(await outboxOf(store));
      expect(await outboxOf(store)).toEqual([]);
    });

    inOneOrder('whichever are published first', async () => {
      const store = await openFor(under);
      await collapseAll(store, ['c', 'd', 'e', 'f']);
      const [, second, , fourth] = await outboxOf(store);
      await store.outbox.remove([second, fourth].filter((entry) => entry !== undefined));
      expect(await story(store)).toEqual(['c-b opened at 0', 'e-b opened at 2']);
    });

    inOneOrder('and says which were gone already', async () => {
      const store = await openFor(under);
      await collapseAll(store, ['c', 'd']);
      const first = await store.outbox.read(1);
      expect(await store.outbox.remove(first)).toEqual([]);
      expect(await store.outbox.remove(first)).toEqual(first);
      expect(await store.outbox.remove([])).toEqual([]);
      expect(await story(store)).toEqual(['d-b opened at 1']);
    });

    it('under ids that no two of them share', async () => {
      const store = await openFor(under);
      await collapseAll(store, ['c', 'd']);
      const before = await outboxOf(store);
      await store.outbox.remove(before);
      await collapseAll(store, ['e', 'f']);
      const ids = [...before, ...(await outboxOf(store))].map(({ id }) => id);
      expect(new Set(ids).size).toBe(4);
    });
  });

  it('links each transition of a pair to the one before', async () => {
    const store = await openFor(under);
    const nowMs = (start + 100) * 1_000;
    await apply(store, [collapse(start), collapse(start, { agentA: 'other' })], { nowMs });
    await apply(store, [interaction('success', start + 1, { weight: 50 })], { nowMs });
    await store.command(command('terminate', start + 2, { nowMs: nowMs + 5_000 }));
    await store.command(command('reset', start + 3, { nowMs }));
    await apply(store, [success(start + 4), collapse(start + 5)], { nowMs });
    const chain = (await outboxOf(store))
      .map(({ transition }) => transition)
      .filter(({ agentA }) => agentA === 'a')
      .map(({ type, transition, previousTransition }) => [
        type,
        transition - nowMs,
        Math.max(previousTransition - nowMs, -1),
      ]);
    expect(chain).toEqual([
      ['opened', 0, -1],
      ['closed', 1, 0],
      ['terminated', 5_000, 1],
      ['reset', 5_001, 5_000],
      ['opened', 5_002, 5_001],
    ]);
  });
}
