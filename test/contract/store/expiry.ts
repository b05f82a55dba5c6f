import { describe, expect, it } from 'vitest';
import type { TrustConfigOptions } from '../../../src/trust/config.js';
import { forgettingSeconds } from '../../../src/trust/decay.js';
import {
  apply,
  collapse,
  command,
  day,
  defaults,
  dueBy,
  kinds,
  policy,
  readPair,
  start,
  success,
  withCooldown,
} from './given.js';
import { openFor, type StoreUnderTest } from './under-test.js';

const hour = 3_600;
const years = 50 * 365 * day;

/** After one success under the default policy. */
const forgottenAfter = forgettingSeconds({ alpha: 2, beta: 1 }, defaults.config.halfLifeSeconds);

export function expires(under: StoreUnderTest): void {
  const opened = async () => {
    const time = { now: start };
    const store = await openFor(under, { clock: () => time.now });
    return { store, time };
  };

  describe('forgets a CLOSED pair', () => {
    it('when its evidence has decayed to nothing, and not before', async () => {
      const { store, time } = await opened();
      await apply(store, [success(start)]);
      time.now = start + forgottenAfter - 1;
      expect((await readPair(store))?.state?.alpha).toBe(2);
      time.now = start + forgottenAfter + 1;
      expect(await readPair(store)).toBeNull();
    });

    it('and starts it afresh with its next event', async () => {
      const { store, time } = await opened();
      await apply(store, [success(start)]);
      time.now = start + forgottenAfter + 1;
      await apply(store, [success(time.now, { agentA: 'b', agentB: 'a' })]);
      expect((await readPair(store))?.state).toMatchObject({ agentA: 'b', interactionCount: 1 });
    });

    it('counted from now, however old its events are', async () => {
      const { store, time } = await opened();
      await apply(store, [success(start - years)]);
      time.now = start + forgottenAfter - 1;
      expect(await readPair(store)).not.toBeNull();
    });

    it('no later, when the sweep looks at what was due before it closed', async () => {
      const { store, time } = await opened();
      await apply(store, [collapse(start), success(start, { weight: 10 })]);
      const left = forgettingSeconds({ alpha: 11, beta: 11 }, defaults.config.halfLifeSeconds);
      time.now = start + 10 * day;
      await store.due(dueBy(time.now, { policyOf: () => defaults }));
      time.now = start + left + 1;
      expect(await readPair(store)).toBeNull();
    });

    it('later, after every event', async () => {
      const { store, time } = await opened();
      await apply(store, [success(start)]);
      time.now = start + forgottenAfter - 1;
      await apply(store, [success(time.now)]);
      time.now += forgottenAfter - 1;
      expect((await readPair(store))?.state?.interactionCount).toBe(2);
    });
  });

  describe('never forgets', () => {
    const kept: readonly [string, TrustConfigOptions][] = [
      ['whose alpha does not begin at 1', { alphaPrior: 2 }],
      ['whose beta does not begin at 1', { betaPrior: 0.5 }],
      ['whose evidence does not decay', { halfLifeSeconds: Number.POSITIVE_INFINITY }],
    ];
    it.each(kept)('a pair %s', async (_, config) => {
      const { store, time } = await opened();
      await apply(store, [success(start)], { policies: [policy(config)] });
      time.now += years;
      expect((await readPair(store))?.state?.interactionCount).toBe(1);
    });

    it('a pair that is OPEN or TERMINATED', async () => {
      const { store, time } = await opened();
      await apply(store, [collapse(start)], { policies: [withCooldown] });
      await store.command(command('terminate', start, { agentA: 'c' }));
      time.now += years;
      await store.mark([]);
      expect((await readPair(store))?.state?.circuitState).toBe('OPEN');
      expect((await readPair(store, 'c'))?.state?.circuitState).toBe('TERMINATED');
    });

    it('a pair that no stream feeds', async () => {
      const { store, time } = await opened();
      await apply(store, [success(start)], { rules: { streamed: false, timedRecovery: false } });
      time.now += years;
      expect(await readPair(store)).not.toBeNull();
    });
  });

  describe('remembers a reset', () => {
    it('for seven days', async () => {
      const { store, time } = await opened();
      await apply(store, [success(start - 1)]);
      await store.command(command('reset', start));
      time.now = start + 7 * day - 1;
      expect(kinds(await apply(store, [success(start - 2)]))).toEqual(['superseded']);
      time.now = start + 7 * day + 1;
      expect(await readPair(store)).toBeNull();
      expect(kinds(await apply(store, [success(start - 2)]))).toEqual(['applied']);
    });

    it('as long, when the pair has quickly forgotten evidence again', async () => {
      const { store, time } = await opened();
      const policies = [policy({ halfLifeSeconds: hour })];
      await store.command(command('reset', start, { policy: policies[0] ?? defaults }));
      await apply(store, [success(start + 1)], { policies });
      time.now = start + 7 * day - 1;
      expect(kinds(await apply(store, [success(start - 2)], { policies }))).toEqual(['superseded']);
    });
  });

  it('forgets of many pairs only those whose time is over', async () => {
    const { store, time } = await opened();
    const names = Array.from({ length: 300 }, (_, i) => `agent-${i}`);
    const quick = policy({ halfLifeSeconds: hour });
    await apply(
      store,
      names.map((agentA, i) => success(start, { agentA, policy: i % 2 })),
      { policies: [defaults, quick] },
    );
    time.now = start + 3 * day;
    for (let i = 0; i < 5; i++) {
      await apply(store, [success(time.now, { agentA: 'busy' })]);
      await store.mark([]);
    }
    const left = await Promise.all(names.map((agentA) => readPair(store, agentA)));
    expect(left.map((pair) => pair !== null)).toEqual(names.map((_, i) => i % 2 === 0));
  });
}
