import { describe, expect, it } from 'vitest';
import type { AnnounceRequest, TrustStore } from '../../../src/ports.js';
import { recoversAt } from '../../../src/trust/forecast.js';
import { makePairId } from '../../../src/trust/pair.js';
import {
  apply,
  collapse,
  command,
  defaults,
  dueBy,
  outboxOf,
  readPair,
  start,
  story,
  success,
  unpublished,
  withCooldown,
} from './given.js';
import { openFor, type StoreUnderTest } from './under-test.js';

const nowMs = (start + 1_000) * 1_000;

function announced(
  store: TrustStore,
  to: AnnounceRequest['published']['to'],
  transition: number,
  more: Partial<AnnounceRequest> = {},
) {
  const names = { pairId: makePairId('a', 'b'), agentA: 'a', agentB: 'b' };
  const request = { tenant: 'default', ...names, policy: defaults, timedRecovery: true, nowMs };
  return store.announce({ ...request, published: { transition, to }, ...more });
}

export function announces(under: StoreUnderTest): void {
  describe('under rules that publish nothing', () => {
    it('circuits move, nobody is told, and the pair keeps its number', async () => {
      const store = await openFor(under);
      const [opened] = await apply(store, [collapse(start)], { rules: unpublished });
      expect(opened).toMatchObject({ transitions: [{ type: 'opened', occurredAt: start }] });
      expect(await readPair(store)).toMatchObject({
        transition: 0,
        transitionAt: start,
        state: { circuitState: 'OPEN', transition: 0 },
      });
      await store.command(command('terminate', start + 1, { rules: unpublished }));
      await apply(store, [collapse(start, { agentA: 'c' })], {
        rules: unpublished,
        policies: [withCooldown],
      });
      await store.due(dueBy(start + 60, { publishes: false }));
      expect((await readPair(store))?.state?.circuitState).toBe('TERMINATED');
      expect((await readPair(store, 'c'))?.state?.circuitState).toBe('HALF_OPEN');
      expect(await outboxOf(store)).toEqual([]);
    });

    it('the next transition that is told follows on the last that was', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], { nowMs });
      await apply(store, [success(start + 1, { weight: 50 })], { rules: unpublished, nowMs: nowMs + 5 });
      await apply(store, [collapse(start + 2, { weight: 100 }), collapse(start + 3, { weight: 100 })], {
        nowMs: nowMs + 9,
      });
      expect((await outboxOf(store)).at(-1)?.transition).toMatchObject({
        transition: nowMs + 9,
        previousTransition: nowMs,
      });
    });
  });

  describe('announces a circuit', () => {
    it('that was never published, from closed', async () => {
      const store = await openFor(under);
      const [opened] = await apply(store, [collapse(start)], { rules: unpublished });
      const state = opened?.kind === 'applied' ? opened.state : null;
      const result = await announced(store, 'CLOSED', 0);
      expect(result).toMatchObject({
        kind: 'announced',
        transition: {
          type: 'opened',
          from: 'CLOSED',
          to: 'OPEN',
          transition: nowMs,
          previousTransition: 0,
          occurredAt: start,
          beta: state?.beta,
          recoversAt: state && recoversAt(state, defaults.config),
          cause: { kind: 'recovery' },
        },
      });
      expect(await outboxOf(store)).toMatchObject([
        { tenant: 'default', traceparent: null, transition: { transition: nowMs } },
      ]);
      expect(await readPair(store)).toMatchObject({ transition: nowMs, state: { transition: nowMs } });
    });

    it('from the one that was published last, under a number above it', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], { nowMs: nowMs + 7 });
      expect(await announced(store, 'TERMINATED', nowMs + 100)).toMatchObject({
        transition: {
          from: 'TERMINATED',
          to: 'OPEN',
          transition: nowMs + 101,
          previousTransition: nowMs + 100,
        },
      });
    });

    it('not of a pair that was told of since', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], { nowMs: nowMs + 7 });
      expect(await announced(store, 'CLOSED', nowMs + 2)).toEqual({ kind: 'agreed' });
      expect(await readPair(store)).toMatchObject({ transition: nowMs + 7 });
      expect(await story(store)).toEqual(['a-b opened at 0']);
    });

    it('once', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], { rules: unpublished });
      await announced(store, 'CLOSED', 0);
      expect(await announced(store, 'OPEN', nowMs)).toEqual({ kind: 'agreed' });
      expect(await story(store)).toEqual(['a-b opened at 0']);
    });

    it('of a pair without state as closed', async () => {
      const store = await openFor(under);
      await store.command(command('reset', start));
      expect(await announced(store, 'OPEN', 5)).toMatchObject({
        transition: { type: 'closed', from: 'OPEN', interactionCount: 0, occurredAt: nowMs / 1_000 },
      });
      expect(await readPair(store)).toMatchObject({ state: null, transition: nowMs, resetTime: start });
    });

    it('of a pair that it does not know, and still does not know it', async () => {
      const store = await openFor(under);
      expect(await announced(store, 'HALF_OPEN', 5)).toMatchObject({ transition: { type: 'closed' } });
      expect(await readPair(store)).toBeNull();
      expect(await story(store)).toEqual(['a-b closed at 1000']);
    });

    it('only where it differs; else the next transition follows on the published one', async () => {
      const store = await openFor(under);
      await apply(store, [success(start)]);
      expect(await announced(store, 'CLOSED', nowMs)).toEqual({ kind: 'agreed' });
      await apply(store, [collapse(start + 1)], { nowMs: nowMs - 50 });
      expect((await outboxOf(store)).map(({ transition }) => transition)).toMatchObject([
        { type: 'opened', transition: nowMs + 1, previousTransition: nowMs },
      ]);
    });

    it('of a pair of other agents never', async () => {
      const store = await openFor(under);
      await apply(store, [success(start)]);
      const strangers = { agentA: 'x', agentB: 'y' };
      expect(await announced(store, 'OPEN', 5, strangers)).toMatchObject({
        kind: 'rejected',
        reason: 'pair_id_collision',
      });
      expect(await outboxOf(store)).toEqual([]);
    });
  });
}
