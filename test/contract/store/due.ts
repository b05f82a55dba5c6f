import { describe, expect, it } from 'vitest';
import { recoversAt } from '../../../src/trust/forecast.js';
import {
  apply,
  collapse,
  command,
  defaults,
  dueBy,
  outboxOf,
  policy,
  readPair,
  start,
  story,
  success,
  withCooldown,
} from './given.js';
import { openFor, type StoreUnderTest } from './under-test.js';

const cooldown = { policies: [withCooldown] };
const byDecay = () => defaults;

export function makesWhatIsDue(under: StoreUnderTest): void {
  const inOneOrder = it.skipIf(under.scattered === true);
  describe('makes what is due', () => {
    it('a probe, when the cooldown is over and not before', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], cooldown);
      expect(await store.due(dueBy(start + 59.999))).toBe(0);
      expect((await readPair(store))?.state?.circuitState).toBe('OPEN');
      expect(await store.due(dueBy(start + 60))).toBe(1);
      expect(await readPair(store)).toMatchObject({
        transitionAt: start + 60,
        state: { circuitState: 'HALF_OPEN', lastUpdated: start, beta: 11, interactionCount: 1 },
      });
      expect(await story(store)).toEqual(['a-b opened at 0', 'a-b half_opened at 60']);
    });

    it('a close, at the moment when decay brings the score back', async () => {
      const store = await openFor(under);
      const [result] = await apply(store, [collapse(start)]);
      const opened = result?.kind === 'applied' ? result.state : null;
      const dueAt = opened && recoversAt(opened, defaults.config);
      if (dueAt === null) throw new Error('it recovers by decay');
      expect(await store.due(dueBy(dueAt - 0.001, { policyOf: byDecay }))).toBe(0);
      expect(await store.due(dueBy(dueAt + 1_000, { policyOf: byDecay }))).toBe(1);
      const state = (await readPair(store))?.state;
      expect(state).toMatchObject({ circuitState: 'CLOSED', lastUpdated: dueAt, interactionCount: 1 });
      expect(state?.trustScore).toBeCloseTo(defaults.config.threshold, 9);
      expect((await outboxOf(store)).at(-1)?.transition).toMatchObject({
        type: 'closed',
        occurredAt: dueAt,
        recoversAt: null,
        cause: { kind: 'recovery' },
      });
    });

    it('once', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], cooldown);
      await store.due(dueBy(start + 60));
      expect(await store.due(dueBy(start + 9_000))).toBe(0);
      expect(await story(store)).toHaveLength(2);
    });

    inOneOrder('at most as many pairs as asked for, the earliest first', async () => {
      const store = await openFor(under);
      for (const [i, agentA] of ['e', 'c', 'd'].entries())
        await apply(store, [collapse(start + i, { agentA })], cooldown);
      const request = dueBy(start + 1_000, { limit: 2 });
      expect(await store.due(request)).toBe(2);
      expect((await story(store)).slice(3)).toEqual(['e-b half_opened at 60', 'c-b half_opened at 61']);
      expect(await store.due(request)).toBe(1);
      expect((await story(store)).slice(5)).toEqual(['d-b half_opened at 62']);
      expect(await store.due(request)).toBe(0);
    });

    it('for every tenant, each under its own policy', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start, { tenant: 'x' }), collapse(start, { tenant: 'y' })], cooldown);
      const asked: string[] = [];
      const policyOf = (tenant: string, agentA: string, agentB: string) => {
        asked.push(`${tenant} ${agentA} ${agentB}`);
        return tenant === 'x' ? withCooldown : policy({ recoveryCooldownSeconds: 90 });
      };
      expect(await store.due(dueBy(start + 60, { policyOf }))).toBe(2);
      expect(asked.sort()).toEqual(['x a b', 'y a b']);
      expect((await readPair(store, 'a', 'b', 'x'))?.state?.circuitState).toBe('HALF_OPEN');
      expect((await readPair(store, 'a', 'b', 'y'))?.state?.circuitState).toBe('OPEN');
    });

    it('later, when the policy was given a longer cooldown meanwhile', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], cooldown);
      const policyOf = () => policy({ recoveryCooldownSeconds: 90 });
      await store.due(dueBy(start + 60, { policyOf }));
      await store.due(dueBy(start + 89, { policyOf }));
      expect((await readPair(store))?.state?.circuitState).toBe('OPEN');
      expect(await store.due(dueBy(start + 90, { policyOf }))).toBe(1);
      expect(await story(store)).toEqual(['a-b opened at 0', 'a-b half_opened at 90']);
    });

    it('at the earlier time, when the policy was given a shorter cooldown meanwhile', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], cooldown);
      await store.due(dueBy(start + 60, { policyOf: () => policy({ recoveryCooldownSeconds: 30 }) }));
      expect(await story(store)).toEqual(['a-b opened at 0', 'a-b half_opened at 30']);
    });

    it('never, when the policy lets nothing recover any more', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], cooldown);
      const policyOf = () => policy({ halfLifeSeconds: Number.POSITIVE_INFINITY });
      await store.due(dueBy(start + 60, { policyOf }));
      expect(await store.due(dueBy(start + 1e9, { policyOf }))).toBe(0);
      expect((await readPair(store))?.state?.circuitState).toBe('OPEN');
    });

    it('at the time that more failures have moved it to', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)]);
      const [result] = await apply(store, [collapse(start + 10)]);
      const opened = result?.kind === 'applied' ? result.state : null;
      const dueAt = (opened && recoversAt(opened, defaults.config)) ?? 0;
      for (let until = start; until < dueAt; until += 10_000)
        await store.due(dueBy(until, { policyOf: byDecay }));
      expect(await story(store)).toHaveLength(1);
      await store.due(dueBy(dueAt, { policyOf: byDecay }));
      expect((await outboxOf(store)).at(-1)?.transition).toMatchObject({ type: 'closed', occurredAt: dueAt });
    });

    it.each(['reset', 'terminate'] as const)('nothing of a pair after its %s', async (action) => {
      const store = await openFor(under);
      await apply(store, [collapse(start), collapse(start, { agentA: 'c' })], cooldown);
      await store.command(command(action, start + 1));
      const before = await readPair(store);
      await store.due(dueBy(start + 60));
      expect(await readPair(store)).toEqual(before);
      expect((await story(store)).filter((line) => line.includes('half_opened'))).toEqual([
        'c-b half_opened at 60',
      ]);
    });

    it('nothing of a pair that closed by itself', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)]);
      await apply(store, [success(start + 1, { weight: 50 })]);
      const before = await readPair(store);
      await store.due(dueBy(start + 1e9, { policyOf: byDecay }));
      expect(await readPair(store)).toEqual(before);
    });

    it('nothing where timed recovery is off', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], { ...cooldown, rules: { streamed: true, timedRecovery: false } });
      expect(await store.due(dueBy(start + 1e9))).toBe(0);
    });

    it('before the event that comes after it', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start)], cooldown);
      expect(await apply(store, [success(start + 61)], cooldown)).toMatchObject([
        {
          transitions: [
            { type: 'half_opened', occurredAt: start + 60 },
            { type: 'opened', occurredAt: start + 61 },
          ],
        },
      ]);
      await store.due(dueBy(start + 120));
      expect((await story(store)).slice(1)).toEqual(['a-b half_opened at 60', 'a-b opened at 61']);
    });

    inOneOrder('on the next call, when this one throws', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start), collapse(start + 1, { agentA: 'c' })], cooldown);
      const policyOf = (_tenant: string, agentA: string) => {
        if (agentA === 'c') throw new Error('no policy today');
        return withCooldown;
      };
      await expect(async () => store.due(dueBy(start + 90, { policyOf }))).rejects.toThrow('no policy today');
      expect(await story(store)).toHaveLength(2);
      expect(await store.due(dueBy(start + 90))).toBe(2);
      expect((await story(store)).slice(2)).toEqual(['a-b half_opened at 60', 'c-b half_opened at 61']);
    });
  });
}
