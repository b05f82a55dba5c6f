import { describe, expect, it } from 'vitest';
import type { TrustOutcome } from '../../../src/trust/outcome.js';
import { makePairId } from '../../../src/trust/pair.js';
import {
  apply,
  at,
  batch,
  collapse,
  failure,
  kinds,
  outboxOf,
  policy,
  readPair,
  start,
  success,
} from './given.js';
import { openFor, type StoreUnderTest } from './under-test.js';

export function appliesInteractions(under: StoreUnderTest): void {
  describe('applies interactions', () => {
    it('and answers each event, in their order', async () => {
      const store = await openFor(under);
      const results = await apply(store, [
        success(start),
        failure(start + 1, { agentA: 'c' }),
        collapse(start + 2),
      ]);
      expect(results).toMatchObject([
        { kind: 'applied', state: { agentA: 'a', alpha: 2, beta: 1, interactionCount: 1 }, transitions: [] },
        { kind: 'applied', state: { agentA: 'c', alpha: 1, beta: 2, interactionCount: 1 }, transitions: [] },
        {
          kind: 'applied',
          state: { agentA: 'a', circuitState: 'OPEN', interactionCount: 2 },
          transitions: [{ type: 'opened', from: 'CLOSED', to: 'OPEN' }],
        },
      ]);
    });

    it('and answers an empty batch with nothing', async () => {
      const store = await openFor(under);
      expect(await apply(store, [])).toEqual([]);
    });

    it('each under the policy that its batch names for it', async () => {
      const store = await openFor(under);
      const policies = [policy(), policy({ failureWeight: 7 })];
      const results = await apply(
        store,
        [failure(start, { agentA: 'light' }), failure(start, { agentA: 'heavy', policy: 1 })],
        { policies },
      );
      expect(results).toMatchObject([{ state: { beta: 2 } }, { state: { beta: 8 } }]);
    });

    it('and takes the two agents in either order as one pair', async () => {
      const store = await openFor(under);
      await apply(store, [success(start)]);
      await apply(store, [success(start, { agentA: 'b', agentB: 'a' })]);
      expect((await readPair(store))?.state).toMatchObject({
        agentA: 'a',
        agentB: 'b',
        interactionCount: 2,
      });
    });

    it('and does nothing of a batch that it throws on', async () => {
      const store = await openFor(under);
      await apply(store, [success(start, at(1))]);
      const events = [
        collapse(start + 1, { ...at(2), duplicateKey: 'x' }),
        failure(start + 2, { policy: 1 }),
      ];
      await expect(async () => store.apply(batch(events))).rejects.toThrow();
      expect((await readPair(store))?.state?.interactionCount).toBe(1);
      expect(await outboxOf(store)).toEqual([]);
      expect(kinds(await apply(store, events.slice(0, 1)))).toEqual(['applied']);
    });
  });

  describe('drops what a producer sent twice', () => {
    const sent = (time: number, sequence: number, details = {}) =>
      success(time, { ...at(sequence), duplicateKey: 'producer/1', ...details });

    it('at another position', async () => {
      const store = await openFor(under);
      expect(kinds(await apply(store, [sent(start, 1), sent(start, 2)]))).toEqual(['applied', 'duplicate']);
      expect((await readPair(store))?.state?.interactionCount).toBe(1);
    });

    it('in a later batch, and from another source', async () => {
      const store = await openFor(under);
      await apply(store, [sent(start, 1)]);
      expect(kinds(await apply(store, [sent(start, 2), sent(start, 1, at(1, 'other'))]))).toEqual([
        'duplicate',
        'duplicate',
      ]);
    });

    it('and takes the position of a duplicate as applied', async () => {
      const store = await openFor(under);
      await apply(store, [sent(start, 1), sent(start, 2)]);
      expect(kinds(await apply(store, [success(start, at(2))]))).toEqual(['repeat']);
    });

    it('but counts the same key on another pair, and for another tenant', async () => {
      const store = await openFor(under);
      const results = await apply(store, [
        sent(start, 1),
        sent(start, 2, { agentA: 'c', pairId: makePairId('c', 'b') }),
        sent(start, 3, { tenant: 'other' }),
      ]);
      expect(kinds(results)).toEqual(['applied', 'applied', 'applied']);
    });

    it('but counts every event that has no key', async () => {
      const store = await openFor(under);
      await apply(store, [success(start), success(start), success(start)]);
      expect((await readPair(store))?.state?.interactionCount).toBe(3);
    });
  });

  describe('rejects an event whose pair id belongs to other agents', () => {
    const stranger = (outcome: TrustOutcome, sequence: number) => ({
      ...success(start, { agentA: 'x', agentB: 'y', ...at(sequence), duplicateKey: 'producer/1' }),
      outcome,
      pairId: makePairId('a', 'b'),
    });

    it('and applies the rest of its batch', async () => {
      const store = await openFor(under);
      const results = await apply(store, [
        success(start, at(1)),
        stranger('failure', 2),
        success(start, at(3)),
      ]);
      expect(results).toMatchObject([
        { kind: 'applied' },
        {
          kind: 'rejected',
          reason: 'pair_id_collision',
          detail: expect.stringContaining(makePairId('a', 'b')),
        },
        { kind: 'applied', state: { agentA: 'a', agentB: 'b', alpha: 3, beta: 1 } },
      ]);
    });

    it('and marks neither its position nor its key as applied', async () => {
      const store = await openFor(under);
      await apply(store, [success(start, at(1)), stranger('failure', 2)]);
      expect(kinds(await apply(store, [stranger('failure', 2)]))).toEqual(['rejected']);
      expect(kinds(await apply(store, [success(start, { ...at(2), duplicateKey: 'producer/1' })]))).toEqual([
        'applied',
      ]);
    });
  });
}
