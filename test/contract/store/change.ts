import { describe, expect, it } from 'vitest';
import type { InteractionToApply, TrustStore } from '../../../src/ports.js';
import { type ChangeState, unchanged } from '../../../src/trust/change.js';
import type { Policy } from '../../../src/trust/policy.js';
import {
  apply,
  command,
  dueBy,
  failure,
  outboxOf,
  policy,
  readPair,
  start,
  story,
  success,
  unstreamed,
  withCooldown,
} from './given.js';
import { openFor, type StoreUnderTest } from './under-test.js';

const knobs = { opening: 'change', recoveryCooldownSeconds: 60 } as const;
const onChange = policy(knobs, 'on-change');
const leased = policy({ ...knobs, probes: 'leased' }, 'leased');
const leasedMean = policy({ recoveryCooldownSeconds: 60, probes: 'leased', threshold: 0.45 }, 'leased-mean');

const under = (...policies: Policy[]) => ({ policies });

function inARow(
  make: typeof success,
  count: number,
  from: number,
  details: Parameters<typeof success>[1] = {},
): InteractionToApply[] {
  return Array.from({ length: count }, (_, i) => make(start + from + i, details));
}

async function changeOf(store: TrustStore): Promise<ChangeState | undefined> {
  return (await readPair(store))?.state?.change;
}

export function opensOnAChange(place: StoreUnderTest): void {
  describe('under opening: change', () => {
    it('opens at the fifth failure after any number of successes, and tells why', async () => {
      const store = await openFor(place);
      await apply(store, inARow(success, 300, 0), under(onChange));
      const results = await apply(store, inARow(failure, 5, 300), under(onChange));
      expect(results.map((result) => result.kind === 'applied' && result.transitions.length)).toEqual([
        0, 0, 0, 0, 1,
      ]);
      expect(await readPair(store)).toMatchObject({
        state: { circuitState: 'OPEN', openedAt: start + 304, alpha: expect.any(Number) },
      });
      expect(await changeOf(store)).toEqual({
        ...unchanged,
        evidence: 10_000,
        nonFailures: 300,
        failureRun: 5,
      });
      expect((await outboxOf(store))[0]?.transition).toMatchObject({
        recoversAt: start + 364,
        change: {
          evidence: 10_000,
          normalRate: 0.1,
          failureRun: 5,
          explanation: '5 failures in a row where 10 % is usual',
        },
      });
    });

    it('half-opens by time, opens again at a failure, and closes after seven successes', async () => {
      const store = await openFor(place);
      await apply(store, inARow(failure, 5, 0), under(onChange));
      await store.due(dueBy(start + 64, { policyOf: () => onChange }));
      await apply(store, [failure(start + 70)], under(onChange));
      await apply(store, inARow(success, 7, 140), under(onChange));
      expect(await story(store)).toEqual([
        'a-b opened at 4',
        'a-b half_opened at 64',
        'a-b opened at 70',
        'a-b half_opened at 130',
        'a-b closed at 146',
      ]);
      expect((await outboxOf(store)).map(({ transition }) => transition.change?.failureRun)).toEqual([
        5, 5, 6, 6, 0,
      ]);
      expect(await changeOf(store)).toMatchObject({ nonFailures: 0, failureRuns: 0, furtherFailures: 0 });
    });

    it('learns how often failing is usual, and forgets all of it alike', async () => {
      const store = await openFor(place);
      const forgetful = policy({ ...knobs, memory: 4 });
      await apply(store, [...inARow(failure, 2, 0), ...inARow(success, 3, 2)], under(forgetful));
      const kept = 4 / 5;
      expect(await changeOf(store)).toMatchObject({
        nonFailures: 3 * kept,
        failureRuns: kept,
        furtherFailures: kept,
      });
    });

    it('is left and entered live: what is known of a change goes with the mean and begins anew', async () => {
      const store = await openFor(place);
      await apply(store, inARow(success, 20, 0), under(onChange));
      await apply(store, [failure(start + 20)], under(withCooldown));
      expect(await changeOf(store)).toBeUndefined();
      await apply(store, [failure(start + 21)], under(onChange));
      expect(await changeOf(store)).toEqual({ ...unchanged, evidence: 8, failureRun: 1 });
      await apply(
        store,
        [success(start + 22), failure(start + 23, { policy: 1 })],
        under(onChange, withCooldown),
      );
      expect(await changeOf(store)).toBeUndefined();
      expect((await readPair(store))?.state?.interactionCount).toBe(24);
    });

    it('goes with a recovery by time or a terminate under the mean, too', async () => {
      const store = await openFor(place);
      await apply(store, inARow(failure, 5, 0), under(onChange));
      await store.due(dueBy(start + 64, { policyOf: () => withCooldown }));
      expect((await readPair(store))?.state).toMatchObject({ circuitState: 'HALF_OPEN' });
      expect(await changeOf(store)).toBeUndefined();
      await apply(store, [failure(start + 70)], under(onChange));
      await store.command(command('terminate', start + 71, { policy: withCooldown }));
      expect(await changeOf(store)).toBeUndefined();
    });

    it('closes a circuit that the mean opened at its first success after the cooldown', async () => {
      const store = await openFor(place);
      await apply(store, [failure(start, { weight: 10 })], under(withCooldown));
      await apply(store, [success(start + 60)], under(onChange));
      expect(await story(store)).toEqual(['a-b opened at 0', 'a-b half_opened at 60', 'a-b closed at 60']);
    });

    it('is all forgotten at a reset, which says so', async () => {
      const store = await openFor(place);
      await apply(store, inARow(failure, 5, 0), under(onChange));
      await store.command(command('reset', start + 10, { policy: onChange }));
      expect((await outboxOf(store)).at(-1)?.transition).toMatchObject({
        type: 'reset',
        change: { evidence: 1, normalRate: 0.1, failureRun: 0 },
      });
      await apply(store, [failure(start + 11)], under(onChange));
      expect(await changeOf(store)).toEqual({ ...unchanged, evidence: 8, failureRun: 1 });
    });

    it('counts what is older than the last transition in alpha and beta alone', async () => {
      const store = await openFor(place);
      await apply(store, inARow(failure, 5, 0), under(onChange));
      const before = await readPair(store);
      await apply(store, [success(start + 3)], under(onChange));
      const after = await readPair(store);
      expect(after?.state?.change).toEqual(before?.state?.change);
      expect(after?.state?.alpha).toBeGreaterThan(before?.state?.alpha ?? 0);
    });

    it('stays as it was when it is opened again', async () => {
      if (place.reopen === undefined) return;
      const store = await place.open();
      await apply(store, [...inARow(failure, 3, 0), success(start + 3), failure(start + 4)], under(onChange));
      const before = await changeOf(store);
      const again = await place.reopen(store);
      expect(await changeOf(again)).toEqual(before);
      await again.close();
    });

    it('works without a log, as for a TrustManager', async () => {
      const store = await openFor(place);
      const options = { ...under(onChange), rules: unstreamed };
      const results = await apply(store, [...inARow(failure, 5, 0), ...inARow(success, 8, 64)], options);
      const states = results.map((result) => (result.kind === 'applied' ? result.state?.circuitState : ''));
      // The first event after the cooldown half-opens, as under the mean; the evidence falls from the first on.
      expect(states.slice(4)).toEqual(['OPEN', ...Array(6).fill('HALF_OPEN'), 'CLOSED', 'CLOSED']);
    });
  });

  describe('under leased probes', () => {
    it.each([
      ['change', leased, 7],
      ['mean', leasedMean, 1],
    ])('moves a half-open circuit by its probes alone: opening %s', async (_, rule, needed) => {
      const store = await openFor(place);
      await apply(store, inARow(failure, 5, 0), under(rule));
      await store.due(dueBy(start + 64, { policyOf: () => rule }));
      const half = await readPair(store);
      const number = half?.transition ?? 0;
      expect(half?.state?.circuitState).toBe('HALF_OPEN');
      const others = [...inARow(success, 10, 70), ...inARow(success, 10, 80, { probe: number - 1 })];
      await apply(store, [...others, success(start + 90, { weight: 2 })], under(rule));
      const still = await readPair(store);
      expect(still?.state).toMatchObject({ circuitState: 'HALF_OPEN', interactionCount: 26 });
      expect(still?.state?.change).toEqual(half?.state?.change);
      // One of weight 1 without a probe lies between, to see that it is not taken for one.
      const probes = inARow(success, needed - 1, 100, { probe: number, policy: 1, traceparent: '00-trace' });
      await apply(store, [...probes, success(start + 120, { policy: 1 })], under(withCooldown, rule));
      expect((await readPair(store))?.state?.circuitState).toBe('HALF_OPEN');
      await apply(store, [success(start + 130, { probe: number })], under(rule));
      expect((await readPair(store))?.state?.circuitState).toBe('CLOSED');
    });
  });
}
