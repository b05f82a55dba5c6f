import { afterEach, describe, expect, it, vi } from 'vitest';
import { getCurrentContext } from '../src/context.js';
import { FulcrumError } from '../src/errors.js';
import { type AgentUpdate, TrustManager, type TrustManagerOptions } from '../src/manager.js';
import type { Awaitable, TrustStore } from '../src/ports.js';
import { MemoryStore } from '../src/store/memory.js';
import { liftStore } from '../src/store/simple.js';
import { TrustCircuitOpen, TrustValueError } from '../src/trust/errors.js';
import { TrustOutcome } from '../src/trust/outcome.js';
import { makePairId } from '../src/trust/pair.js';
import type { TrustState } from '../src/trust/state.js';

const { SUCCESS, FAILURE } = TrustOutcome;

type Around = <R>(method: 'apply' | 'command' | 'read', call: () => Awaitable<R>) => Awaitable<R>;

/** `inner` with something happening around each of its calls. */
function around(inner: MemoryStore, how: Around): TrustStore {
  return {
    apply: (batch) => how('apply', () => inner.apply(batch)),
    command: (command) => how('command', () => inner.command(command)),
    read: (tenant, pairId) => how('read', () => inner.read(tenant, pairId)),
    announce: (request) => inner.announce(request),
    due: (request) => inner.due(request),
    circuits: () => inner.circuits(),
    outbox: inner.outbox,
    mark: (marks) => inner.mark(marks),
    close: () => inner.close(),
  };
}

/** A turn of the event loop. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Answers each call a few turns later, after it was made. */
const slowly: Around = async (_method, call) => {
  await turn();
  const result = await call();
  await turn();
  return result;
};

interface Watched {
  readonly manager: TrustManager;
  readonly told: AgentUpdate[];
  now: number;
}

function watched(options: TrustManagerOptions = {}): Watched {
  const told: AgentUpdate[] = [];
  const watch: Watched = {
    told,
    now: 1_000,
    manager: new TrustManager({
      clock: () => watch.now,
      bridge: { publish: (update) => void told.push(update) },
      ...options,
    }),
  };
  return watch;
}

async function fail(manager: TrustManager, times: number, a = 'a', b = 'b'): Promise<void> {
  for (let i = 0; i < times; i++) await manager.evaluate(a, b, FAILURE);
}

async function refusal(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it was not refused');
    },
    (error: unknown) => error,
  );
}

function stored(store: MemoryStore, a = 'a', b = 'b'): TrustState | null {
  return store.read('default', makePairId(a, b))?.state ?? null;
}

describe('raiseOnBreak', () => {
  it('throws once the score is stored below the threshold', async () => {
    const store = new MemoryStore();
    const manager = new TrustManager({ store });
    await manager.evaluate('a', 'b', FAILURE, { raiseOnBreak: true });
    const error = await refusal(manager.evaluate('a', 'b', FAILURE, { raiseOnBreak: true }));
    expect(error).toBeInstanceOf(TrustCircuitOpen);
    expect(error).toMatchObject({ pairId: makePairId('a', 'b'), threshold: 0.3 });
    expect((error as TrustCircuitOpen).trustScore).toBeCloseTo(0.25, 6);
    expect(stored(store)).toMatchObject({ interactionCount: 2, circuitState: 'OPEN' });
  });

  it('throws for a TERMINATED pair however good its score', async () => {
    const { manager } = watched();
    await manager.terminate('a', 'b');
    const error = await refusal(manager.evaluate('a', 'b', SUCCESS, { raiseOnBreak: true }));
    expect(error).toBeInstanceOf(TrustCircuitOpen);
    expect((error as TrustCircuitOpen).message).toContain('an operator terminated it');
    expect(await manager.getState('a', 'b')).toMatchObject({ interactionCount: 1, alpha: 2 });
  });

  it('does not throw unless asked to, nor for an OPEN pair whose score is back', async () => {
    const { manager } = watched({ config: { recoveryCooldownSeconds: 1e6 } });
    await fail(manager, 2);
    const state = await manager.evaluate('a', 'b', SUCCESS, { raiseOnBreak: true });
    expect(state).toMatchObject({ circuitState: 'OPEN', trustScore: 0.4 });
  });
});

describe('a manager under opening: change', () => {
  const config = { opening: 'change', recoveryCooldownSeconds: 60 } as const;

  it('stops agents while the circuit is open and its cooldown runs, whatever the score', async () => {
    const watch = watched({ config });
    const { manager } = watch;
    for (let i = 0; i < 100; i++) await manager.evaluate('a', 'b', SUCCESS);
    await fail(manager, 4);
    expect(await manager.shouldTerminate('a', 'b')).toBe(false);
    await fail(manager, 1);
    expect(await manager.getTrustScore('a', 'b')).toBeGreaterThan(0.9);
    expect(await manager.shouldTerminate('a', 'b')).toBe(true);
    watch.now += 59.9;
    expect(await manager.shouldTerminate('a', 'b')).toBe(true);
    watch.now += 0.1;
    expect(await manager.shouldTerminate('a', 'b')).toBe(false);
  });

  it('raises at the failure that opens, and says why', async () => {
    const { manager } = watched({ config });
    // A score below the threshold alone stops nobody.
    await fail(manager, 4);
    expect(await manager.getTrustScore('a', 'b')).toBeLessThan(0.3);
    const error = await refusal(manager.evaluate('a', 'b', FAILURE, { raiseOnBreak: true }));
    expect(error).toBeInstanceOf(TrustCircuitOpen);
    expect(error).toMatchObject({ reason: 'change' });
    expect((error as TrustCircuitOpen).message).toContain('it fails more often than is usual for it');
  });

  it('does not raise when the pair is half-open, and does when it is TERMINATED', async () => {
    const watch = watched({ config });
    const { manager } = watch;
    await fail(manager, 5);
    watch.now += 60;
    const state = await manager.evaluate('a', 'b', SUCCESS, { raiseOnBreak: true });
    expect(state.circuitState).toBe('HALF_OPEN');
    await manager.terminate('a', 'b');
    const error = await refusal(manager.evaluate('a', 'b', SUCCESS, { raiseOnBreak: true }));
    expect(error).toMatchObject({ reason: 'terminated' });
  });

  it('takes the probe that a call was, where probes are leased', async () => {
    const watch = watched({ config: { ...config, probes: 'leased' } });
    const { manager } = watch;
    await fail(manager, 5);
    watch.now += 60;
    const { transition } = await manager.evaluate('a', 'b', SUCCESS);
    for (let i = 0; i < 20; i++) await manager.evaluate('a', 'b', SUCCESS);
    expect((await manager.getState('a', 'b'))?.circuitState).toBe('HALF_OPEN');
    for (let i = 0; i < 7; i++) await manager.evaluate('a', 'b', SUCCESS, { probe: transition });
    expect((await manager.getState('a', 'b'))?.circuitState).toBe('CLOSED');
  });

  it('needs a lifted store that keeps states whole', async () => {
    const lifted = (keep: (state: TrustState) => TrustState) => {
      const states = new Map<string, TrustState>();
      const store = liftStore({
        get: (id) => states.get(id) ?? null,
        compareAndSet: (id, _expected, next) => {
          if (next === null) states.delete(id);
          else states.set(id, keep(next));
          return true;
        },
      });
      return new TrustManager({ store, config });
    };
    const whole = lifted((state) => state);
    await fail(whole, 5);
    expect(await whole.shouldTerminate('a', 'b')).toBe(true);
    const forgetful = lifted(({ change: _, ...state }) => state);
    expect(await refusal(forgetful.evaluate('a', 'b', FAILURE))).toMatchObject({
      code: 'usage',
      message: expect.stringContaining('opening must be mean'),
    });
  });
});

describe('the evaluation context', () => {
  it('is seen by the store, the clock and the bridge and by nobody outside', async () => {
    const seen: Record<string, string | undefined> = {};
    const look = (where: string): void => {
      seen[where] = getCurrentContext()?.pairId;
    };
    const manager = new TrustManager({
      store: around(new MemoryStore(), async (method, call) => {
        await turn();
        look(method);
        return call();
      }),
      clock: () => {
        look('clock');
        return 0;
      },
      bridge: { publish: () => look('bridge') },
    });
    expect(getCurrentContext()).toBeUndefined();
    await fail(manager, 2);
    await manager.getState('a', 'b');
    await manager.terminate('a', 'b');
    const pairId = makePairId('a', 'b');
    expect(seen).toEqual({ apply: pairId, read: pairId, command: pairId, clock: pairId, bridge: pairId });
    expect(getCurrentContext()).toBeUndefined();
  });

  it.each(['getTrustScore', 'shouldTerminate'] as const)('is seen by the clock within %s', async (read) => {
    let seen: string | undefined;
    const manager = new TrustManager({
      clock: () => {
        seen = getCurrentContext()?.pairId;
        return 0;
      },
    });
    await manager.evaluate('a', 'b', SUCCESS);
    seen = undefined;
    await manager[read]('a', 'b');
    expect(seen).toBe(makePairId('a', 'b'));
  });

  it('is not mixed up between evaluations that run at once', async () => {
    const mixed: string[] = [];
    const inner = new MemoryStore();
    const store: TrustStore = {
      ...around(inner, slowly),
      apply: async (batch) => {
        const before = getCurrentContext()?.pairId;
        await turn();
        const after = getCurrentContext()?.pairId;
        const expected = batch.events[0]?.pairId;
        if (before !== expected || after !== expected) mixed.push(`${before} ${after} ${expected}`);
        return inner.apply(batch);
      },
    };
    const told: string[] = [];
    const manager = new TrustManager({
      store,
      bridge: {
        publish: async ({ pairId }) => {
          await turn();
          told.push(getCurrentContext()?.pairId === pairId ? 'own' : 'foreign');
        },
      },
    });
    const agents = Array.from({ length: 20 }, (_, i) => `agent-${i}`);
    for (let round = 0; round < 2; round++)
      await Promise.all(agents.map((agent) => manager.evaluate(agent, 'hub', FAILURE)));
    expect(mixed).toEqual([]);
    expect(told).toEqual(Array.from({ length: 40 }, () => 'own'));
  });
});

describe('what the manager refuses', () => {
  it('is an outcome that it does not know, and nothing is stored', async () => {
    const store = new MemoryStore();
    const manager = new TrustManager({ store });
    for (const outcome of ['SUCCESS', 'ok', '', undefined, 1]) {
      const error = await refusal(manager.evaluate('a', 'b', outcome as TrustOutcome));
      expect(error).toBeInstanceOf(TrustValueError);
      expect((error as Error).message).toContain('success, failure, partial');
    }
    expect(store.size).toBe(0);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, '7', undefined])(
    'is a clock that says %s, and nothing is stored',
    async (time) => {
      const store = new MemoryStore();
      for (const asyncFlush of [false, true]) {
        const manager = new TrustManager({ store, asyncFlush, clock: () => time as number });
        for (const call of [
          manager.evaluate('a', 'b', SUCCESS),
          manager.terminate('a', 'b'),
          manager.reset('a', 'b'),
        ])
          expect(await refusal(call)).toBeInstanceOf(TrustValueError);
        await manager.close();
      }
      expect(store.size).toBe(0);
    },
  );

  it('is a name that is not well-formed and a config that is out of range', async () => {
    expect(await refusal(new TrustManager().evaluate('\ud800', 'b', SUCCESS))).toBeInstanceOf(
      TrustValueError,
    );
    expect(() => new TrustManager({ config: { threshold: 2 } })).toThrow(TrustValueError);
  });
});

describe('the bridge', () => {
  it('is told of both agents in the order of the caller, when the circuit moves and only then', async () => {
    const watch = watched({ config: { recoveryCooldownSeconds: 60 } });
    const pairId = makePairId('a', 'b');
    await watch.manager.evaluate('a', 'b', FAILURE);
    expect(watch.told).toEqual([]);
    await watch.manager.evaluate('b', 'a', FAILURE);
    expect(watch.told).toEqual([
      { agentId: 'b', state: 2, trustScore: 0.25, pairId },
      { agentId: 'a', state: 2, trustScore: 0.25, pairId },
    ]);
    watch.now += 60;
    watch.told.length = 0;
    for (let i = 0; i < 3; i++) await watch.manager.evaluate('a', 'b', SUCCESS);
    expect(watch.told.map(({ agentId, state }) => [agentId, state])).toEqual([
      ['a', 1],
      ['b', 1],
      ['a', 0],
      ['b', 0],
    ]);
  });

  it('is told of every terminate, and of a reset when there was a state', async () => {
    const { manager, told } = watched({ config: { alphaPrior: 3 } });
    await manager.reset('a', 'b');
    expect(told).toEqual([]);
    await manager.terminate('a', 'b');
    await manager.terminate('b', 'a');
    await manager.reset('a', 'b');
    await manager.reset('a', 'b');
    expect(told.map(({ agentId, state }) => `${agentId}${state}`)).toEqual([
      'a3',
      'b3',
      'b3',
      'a3',
      'a0',
      'b0',
    ]);
    expect(told.every(({ trustScore }) => trustScore === 0.75)).toBe(true);
  });

  it('is awaited, and what it throws is thrown on, after the state was stored', async () => {
    const store = new MemoryStore();
    const publish = vi.fn(async () => {
      await turn();
      throw new Error('the bridge is down');
    });
    const manager = new TrustManager({ store, clock: () => 0, bridge: { publish } });
    await manager.evaluate('a', 'b', FAILURE);
    await expect(manager.evaluate('a', 'b', FAILURE)).rejects.toThrow('the bridge is down');
    expect(stored(store)).toMatchObject({ interactionCount: 2, circuitState: 'OPEN' });
  });
});

describe('what the manager reads', () => {
  it('of a pair never seen is the score of its priors, no state and no reason to stop', async () => {
    const { manager } = watched({ config: { alphaPrior: 1, betaPrior: 9 } });
    expect(await manager.getTrustScore('a', 'b')).toBe(0.1);
    expect(await manager.shouldTerminate('a', 'b')).toBe(false);
    expect(await manager.getState('a', 'b')).toBeNull();
  });

  it('is decayed to now and writes nothing', async () => {
    const watch = watched();
    await fail(watch.manager, 2);
    expect(await watch.manager.shouldTerminate('b', 'a')).toBe(true);
    watch.now += 86_400;
    expect(await watch.manager.getTrustScore('a', 'b')).toBeCloseTo(1 / 3, 12);
    expect(await watch.manager.shouldTerminate('a', 'b')).toBe(false);
    expect(await watch.manager.getState('a', 'b')).toMatchObject({
      lastUpdated: 1_000,
      circuitState: 'OPEN',
    });
  });

  it('tells to stop a TERMINATED pair however good its score', async () => {
    const { manager } = watched();
    await manager.evaluate('a', 'b', SUCCESS);
    await manager.terminate('a', 'b');
    expect(await manager.shouldTerminate('a', 'b')).toBe(true);
    await manager.reset('a', 'b');
    expect(await manager.shouldTerminate('a', 'b')).toBe(false);
  });

  it('after a reset numbers transitions higher than before it, even within one millisecond', async () => {
    const { manager } = watched();
    await fail(manager, 2);
    await manager.terminate('a', 'b');
    const before = await manager.getState('a', 'b');
    await manager.reset('a', 'b');
    await fail(manager, 2);
    const after = await manager.getState('a', 'b');
    expect(after?.transition).toBeGreaterThan(before?.transition ?? 0);
  });
});

describe('asynchronous flush', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A store whose writes wait until `open` is called. */
  function gated(inner: MemoryStore): { readonly store: TrustStore; open(): void } {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const store = around(inner, async (method, call) => {
      if (method !== 'read') await gate;
      return call();
    });
    return { store, open: () => open() };
  }

  it('answers from memory while the store is still busy', async () => {
    const store = new MemoryStore();
    const gate = gated(store);
    const { manager } = watched({ store: gate.store, asyncFlush: true });
    await fail(manager, 1);
    const flushed = manager.flush();
    await fail(manager, 3);
    await manager.evaluate('b', 'a', SUCCESS);
    expect(await manager.getState('a', 'b')).toMatchObject({ interactionCount: 5, alpha: 2, beta: 5 });
    expect(stored(store)).toBeNull();
    gate.open();
    await flushed;
    expect(stored(store)).toEqual(await manager.getState('a', 'b'));
    expect(stored(store)).toMatchObject({ interactionCount: 5 });
  });

  it('lets callers wait when too much does, until the store has room again', async () => {
    const store = new MemoryStore();
    const gate = gated(store);
    const { manager } = watched({ store: gate.store, asyncFlush: true });
    const asked: Promise<unknown>[] = [];
    let answered = 0;
    while (asked.length === answered && answered < 50_000) {
      for (let i = 0; i < 1_000; i++) asked.push(manager.evaluate('a', 'b', SUCCESS).then(() => answered++));
      await turn();
    }
    expect(answered).toBeLessThan(50_000);
    gate.open();
    await Promise.all(asked);
    await manager.close();
    expect(stored(store)?.interactionCount).toBe(asked.length);
  });

  it('stores what it answered, under no lower number of the transition', async () => {
    const store = new MemoryStore();
    const watch = watched({ store, asyncFlush: true });
    const { manager } = watch;
    await manager.evaluate('a', 'b', FAILURE);
    watch.now += 1;
    const answered = await manager.evaluate('a', 'b', FAILURE);
    await manager.flush();
    expect(withoutNumber(stored(store))).toEqual(withoutNumber(answered));
    expect(stored(store)?.transition).toBeGreaterThanOrEqual(answered.transition);
  });

  it('loses no update of many evaluations of the same new pairs at once', async () => {
    const store = new MemoryStore();
    const { manager } = watched({ store: around(store, slowly), asyncFlush: true });
    const outcomes = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? FAILURE : SUCCESS));
    await Promise.all(outcomes.map((outcome, i) => manager.evaluate('a', `b${i % 7}`, outcome)));
    await manager.close();
    let sum = 0;
    for (let i = 0; i < 7; i++) sum += stored(store, 'a', `b${i}`)?.interactionCount ?? 0;
    expect(sum).toBe(300);
    expect(stored(store, 'a', 'b0')).toMatchObject({ alpha: 1 + 28, beta: 1 + 15 });
  });

  it('tells at flush that the store is away, keeps what waits and writes it once when it is back', async () => {
    const store = new MemoryStore();
    let failures = 3;
    const flaky = around(store, (method, call) => {
      if (method === 'apply' && failures-- > 0) throw new Error('the store is away');
      return call();
    });
    const { manager } = watched({ store: flaky, asyncFlush: true });
    await fail(manager, 5);
    for (let i = 0; i < 3; i++) await expect(manager.flush()).rejects.toThrow('the store is away');
    await manager.evaluate('a', 'b', SUCCESS);
    await manager.flush();
    expect(stored(store)).toMatchObject({ interactionCount: 6, alpha: 2, beta: 6 });
  });

  it('tries again by itself until the store is back', async () => {
    vi.useFakeTimers();
    const store = new MemoryStore();
    let failures = 4;
    const flaky = around(store, async (method, call) => {
      if (method === 'apply' && failures-- > 0) throw new Error('the store is away');
      return call();
    });
    const { manager } = watched({ store: flaky, asyncFlush: true });
    await fail(manager, 2);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(stored(store)).toMatchObject({ interactionCount: 2, circuitState: 'OPEN' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('keeps evaluations, terminates and resets in their order', async () => {
    const store = new MemoryStore();
    const { manager, told } = watched({ store: around(store, slowly), asyncFlush: true });
    const script = async (on: TrustManager): Promise<void> => {
      await fail(on, 3);
      await on.reset('a', 'b');
      await on.evaluate('a', 'b', SUCCESS);
      await on.terminate('a', 'b');
      await on.evaluate('b', 'a', SUCCESS);
      await on.reset('c', 'd');
      await on.terminate('c', 'd');
    };
    await script(manager);
    await manager.flush();
    const direct = watched();
    await script(direct.manager);
    for (const [a, b] of [
      ['a', 'b'],
      ['c', 'd'],
    ] as const)
      expect(withoutNumber(stored(store, a, b))).toEqual(withoutNumber(await direct.manager.getState(a, b)));
    expect(told).toEqual(direct.told);
  });

  it('forgets a pair that was reset, in memory and in the store', async () => {
    const store = new MemoryStore();
    const { manager } = watched({ store, asyncFlush: true });
    await fail(manager, 2);
    await manager.reset('a', 'b');
    expect(await manager.getState('a', 'b')).toBeNull();
    await manager.flush();
    expect([await manager.getState('a', 'b'), store.size]).toEqual([null, 0]);
  });

  it('overwrites no update that another writer made in the meantime', async () => {
    const store = new MemoryStore();
    const behind = watched({ store: around(store, slowly), asyncFlush: true }).manager;
    const other = watched({ store }).manager;
    for (let round = 0; round < 20; round++) {
      await behind.evaluate('a', 'b', SUCCESS);
      await other.evaluate('a', 'b', FAILURE);
      if (round % 5 === 0) await turn();
    }
    await behind.flush();
    expect(stored(store)).toMatchObject({ alpha: 21, beta: 21, interactionCount: 40 });
    // Nothing waits any more: what the other one writes from here on is seen.
    await other.terminate('a', 'b');
    expect(await behind.getState('a', 'b')).toMatchObject({ circuitState: 'TERMINATED' });
  });

  it('flushes what evaluations already under way will add', async () => {
    const store = new MemoryStore();
    const { manager } = watched({ store: around(store, slowly), asyncFlush: true });
    const underWay = [manager.evaluate('a', 'b', SUCCESS), manager.evaluate('a', 'b', FAILURE)];
    await manager.flush();
    expect(stored(store)).toMatchObject({ interactionCount: 2 });
    await Promise.all(underWay);
  });

  it('closes the store once, after all is written', async () => {
    const store = new MemoryStore();
    const close = vi.fn(() => expect(stored(store)?.interactionCount).toBe(4));
    const { manager } = watched({ store: { ...around(store, slowly), close }, asyncFlush: true });
    await fail(manager, 4);
    await manager.close();
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('tells at close that the store refused a pair for good, and closes it all the same', async () => {
    const store = new MemoryStore();
    const close = vi.fn();
    const refusing: TrustStore = {
      ...around(store, slowly),
      apply: ({ events }) =>
        events.map(() => ({ kind: 'rejected', reason: 'state_unreadable', detail: 'not readable' })),
      close,
    };
    const { manager } = watched({ store: refusing, asyncFlush: true });
    await fail(manager, 1);
    await expect(manager.close()).rejects.toThrow('not readable');
    expect(close).toHaveBeenCalledTimes(1);
  });
});

/** Two ways to the same state number its transitions at different moments. */
function withoutNumber(state: TrustState | null): object | null {
  return state === null ? null : { ...state, transition: 0 };
}

describe('a store that can never take what waits', () => {
  it('is told to whoever evaluates, flushes or closes, and is closed all the same', async () => {
    const store = new MemoryStore();
    const close = vi.fn();
    const broken: Around = (method, call) => {
      if (method === 'apply') throw new FulcrumError('conflict', 'somebody else has it');
      return call();
    };
    const manager = new TrustManager({ store: { ...around(store, broken), close }, asyncFlush: true });
    await manager.evaluate('a', 'b', FAILURE);
    await expect(manager.flush()).rejects.toThrow('somebody else has it');
    await expect(manager.evaluate('a', 'b', FAILURE)).rejects.toThrow('somebody else has it');
    await expect(manager.close()).rejects.toThrow('somebody else has it');
    expect(close).toHaveBeenCalledOnce();
  });
});
