import { describe, expect, it } from 'vitest';
import { makePairId } from '../../../src/trust/pair.js';
import {
  apply,
  at,
  collapse,
  command,
  kinds,
  outboxOf,
  readPair,
  start,
  story,
  success,
  unstreamed,
} from './given.js';
import { openFor, type StoreUnderTest } from './under-test.js';

export function appliesCommands(under: StoreUnderTest): void {
  describe('a terminate', () => {
    it('answers with the state before and after, and the transition', async () => {
      const store = await openFor(under);
      await apply(store, [success(start)]);
      expect(await store.command(command('terminate', start + 1))).toMatchObject({
        kind: 'applied',
        before: { circuitState: 'CLOSED', alpha: 2 },
        state: { circuitState: 'TERMINATED', alpha: 2, lastUpdated: start },
        transitions: [
          {
            type: 'terminated',
            occurredAt: start + 1,
            cause: {
              kind: 'operator',
              actor: 'alice',
              reason: 'looked wrong',
              eventId: `terminate-${start + 1}`,
            },
          },
        ],
      });
    });

    it('of a pair never seen makes one without interactions', async () => {
      const store = await openFor(under);
      expect(await store.command(command('terminate', start))).toMatchObject({
        before: null,
        state: { circuitState: 'TERMINATED', interactionCount: 0 },
      });
    });

    it('told twice changes the circuit once', async () => {
      const store = await openFor(under);
      await store.command(command('terminate', start));
      expect(await store.command(command('terminate', start))).toMatchObject({ transitions: [] });
      expect(await story(store)).toEqual(['a-b terminated at 0']);
    });
  });

  describe('a reset', () => {
    it('removes the state and remembers when', async () => {
      const store = await openFor(under);
      await apply(store, [success(start)]);
      expect(await store.command(command('reset', start + 10))).toMatchObject({
        before: { alpha: 2 },
        state: null,
        transitions: [{ type: 'reset', occurredAt: start + 10 }],
      });
      expect(await readPair(store)).toMatchObject({
        agentA: 'a',
        state: null,
        resetTime: start + 10,
        resetAt: start + 10,
      });
    });

    it('supersedes interactions that are not after it, and only those', async () => {
      const store = await openFor(under);
      await apply(store, [success(start, at(1))]);
      await store.command(command('reset', start + 10));
      const late = [success(start + 9, at(2)), success(start + 10, at(3)), success(start + 10.5, at(4))];
      expect(kinds(await apply(store, late))).toEqual(['superseded', 'superseded', 'applied']);
      expect((await readPair(store))?.state).toMatchObject({ interactionCount: 1, alpha: 2 });
      expect(kinds(await apply(store, late))).toEqual(['repeat', 'repeat', 'repeat']);
    });

    it('of a pair never seen is remembered too', async () => {
      const store = await openFor(under);
      await store.command(command('reset', start));
      expect(kinds(await apply(store, [success(start - 1)]))).toEqual(['superseded']);
      expect(await outboxOf(store)).toEqual([]);
    });

    it('takes effect no earlier than it is told to', async () => {
      const store = await openFor(under);
      await store.command(command('reset', start + 10, { takesEffectAt: start + 20 }));
      expect(await readPair(store)).toMatchObject({ resetTime: start + 10, resetAt: start + 20 });
      const around = [success(start + 20, at(1)), success(start + 20.5, at(2))];
      expect(kinds(await apply(store, around))).toEqual(['superseded', 'applied']);
      await store.command(command('reset', start + 11, { takesEffectAt: start + 15 }));
      expect((await readPair(store))?.resetAt).toBe(start + 20.5);
    });

    it('that comes back after a later one leaves out what it left out before', async () => {
      const store = await openFor(under);
      await store.command(command('reset', start + 10));
      expect((await store.command(command('reset', start + 5))).kind).toBe('applied');
      expect((await readPair(store))?.resetAt).toBe(start + 10);
      await store.command(command('reset', start + 5, { takesEffectAt: start + 30 }));
      expect(await readPair(store)).toMatchObject({ resetTime: start + 10, resetAt: start + 30 });
      const around = [success(start + 30, at(1)), success(start + 31, at(2))];
      expect(kinds(await apply(store, around))).toEqual(['superseded', 'applied']);
    });

    it('older than the last terminate leaves the pair TERMINATED', async () => {
      const store = await openFor(under);
      await apply(store, [success(start)]);
      await store.command(command('terminate', start + 20));
      expect(await store.command(command('reset', start + 10))).toMatchObject({
        state: { circuitState: 'TERMINATED', interactionCount: 0 },
      });
    });

    it('makes an older terminate void', async () => {
      const store = await openFor(under);
      await store.command(command('reset', start + 10));
      expect(await store.command(command('terminate', start + 5))).toMatchObject({
        state: null,
        transitions: [],
      });
    });
  });

  it('rejects a command whose pair id belongs to other agents', async () => {
    const store = await openFor(under);
    await apply(store, [success(start)]);
    const stranger = command('terminate', start, {
      agentA: 'x',
      agentB: 'y',
      pairId: makePairId('a', 'b'),
    });
    expect(await store.command(stranger)).toMatchObject({ kind: 'rejected', reason: 'pair_id_collision' });
    expect((await readPair(store))?.state?.circuitState).toBe('CLOSED');
  });

  describe('without a stream', () => {
    it('transitions are answered and not kept for publishing', async () => {
      const store = await openFor(under);
      expect(await apply(store, [collapse(start)], { rules: unstreamed })).toMatchObject([
        { transitions: [{ type: 'opened' }] },
      ]);
      expect(await store.command(command('terminate', start, { rules: unstreamed }))).toMatchObject({
        transitions: [{ type: 'terminated' }],
      });
      expect(await outboxOf(store)).toEqual([]);
    });

    it('a reset leaves nothing behind', async () => {
      const store = await openFor(under);
      await apply(store, [success(start)], { rules: unstreamed });
      await store.command(command('reset', start + 10, { rules: unstreamed }));
      expect(await readPair(store)).toBeNull();
      expect(kinds(await apply(store, [success(start)], { rules: unstreamed }))).toEqual(['applied']);
    });

    it('commands act in the order of the calls, whatever their times', async () => {
      const store = await openFor(under);
      const call = async (action: 'terminate' | 'reset', time: number) =>
        store.command(command(action, time, { rules: unstreamed }));
      await call('terminate', start + 20);
      expect(await call('reset', start + 10)).toMatchObject({ state: null });
      expect(await call('terminate', start)).toMatchObject({ state: { circuitState: 'TERMINATED' } });
    });
  });
}
