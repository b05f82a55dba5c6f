import { describe, expect, it } from 'vitest';
import type { TrustStore } from '../../../src/ports.js';
import {
  apply,
  collapse,
  command,
  dueBy,
  failure,
  outboxOf,
  readPair,
  start,
  success,
  withCooldown,
} from './given.js';
import { openFor, type StoreUnderTest } from './under-test.js';

/** What `circuits` lists, as words in alphabetical order. */
async function listed(store: TrustStore): Promise<string[]> {
  const words: string[] = [];
  for await (const { tenant, pair } of store.circuits())
    words.push(`${tenant} ${pair.agentA}-${pair.agentB} ${pair.state?.circuitState}`);
  return words.sort();
}

export function answersReaders(under: StoreUnderTest): void {
  describe('reads', () => {
    it('null for a pair never seen', async () => {
      const store = await openFor(under);
      expect(await readPair(store)).toBeNull();
      await apply(store, [success(start)]);
      expect(await readPair(store, 'a', 'c')).toBeNull();
    });

    it('the state that the last result told', async () => {
      const store = await openFor(under);
      const results = await apply(store, [success(start), failure(start + 0.1), collapse(start + 1 / 3)], {
        policies: [withCooldown],
      });
      const last = results.at(-1);
      const state = last?.kind === 'applied' ? last.state : null;
      expect(await readPair(store)).toEqual({
        pairId: state?.pairId,
        agentA: 'a',
        agentB: 'b',
        state,
        transition: state?.transition,
        transitionAt: start + 1 / 3,
        resetTime: null,
        resetAt: null,
        terminateTime: null,
      });
    });

    it('names as they were sent', async () => {
      const store = await openFor(under);
      const [agentA, agentB] = ['ångström 🜁\u0000', '名'.repeat(300)];
      await apply(store, [success(start, { agentA, agentB })]);
      expect(await readPair(store, agentA, agentB)).toMatchObject({ agentA, agentB });
    });

    it('an agent paired with itself', async () => {
      const store = await openFor(under);
      await apply(store, [success(start, { agentB: 'a' })]);
      expect((await readPair(store, 'a', 'a'))?.state?.alpha).toBe(2);
    });
  });

  it('keeps tenants apart', async () => {
    const store = await openFor(under);
    await apply(store, [collapse(start, { tenant: 'x' }), success(start, { tenant: 'x-y' })]);
    await store.command(command('terminate', start, { tenant: 'x-y' }));
    expect((await readPair(store, 'a', 'b', 'x'))?.state).toMatchObject({ circuitState: 'OPEN', alpha: 1 });
    expect((await readPair(store, 'a', 'b', 'x-y'))?.state).toMatchObject({
      circuitState: 'TERMINATED',
      alpha: 2,
    });
    expect(await readPair(store)).toBeNull();
    expect((await outboxOf(store)).map(({ tenant }) => tenant)).toEqual(['x', 'x-y']);
  });

  describe('lists the circuits that are not CLOSED', () => {
    it('none in an empty store', async () => {
      const store = await openFor(under);
      expect(await listed(store)).toEqual([]);
    });

    it('of every tenant and kind', async () => {
      const store = await openFor(under);
      const policies = [withCooldown];
      await apply(store, [collapse(start, { agentA: 'half' })], { policies });
      await store.due(dueBy(start + 60));
      await apply(store, [success(start), collapse(start, { agentA: 'open', tenant: 'x' })], { policies });
      await store.command(command('terminate', start, { agentA: 'ended' }));
      expect(await listed(store)).toEqual([
        'default ended-b TERMINATED',
        'default half-b HALF_OPEN',
        'x open-b OPEN',
      ]);
    });

    it('until they close', async () => {
      const store = await openFor(under);
      await apply(store, [collapse(start), collapse(start, { agentA: 'c' })]);
      await apply(store, [success(start + 1, { weight: 50 })]);
      expect(await listed(store)).toEqual(['default c-b OPEN']);
      await store.command(command('reset', start + 2, { agentA: 'c' }));
      expect(await listed(store)).toEqual([]);
    });
  });
}
