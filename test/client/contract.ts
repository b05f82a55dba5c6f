/** What a client promises, whatever way it takes to its fleet. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type CircuitChange,
  type CircuitEvents,
  connectFleet,
  type Fleet,
  type FleetOptions,
  TrustCircuitOpen,
} from '../../src/client/index.js';
import { until } from '../servers/until.js';
import type { RunningFleet } from './running.js';

export interface ContractOptions {
  readonly start: () => Promise<RunningFleet>;
  /** Whether a client without Redis can become the probe. */
  readonly probes: boolean;
  /** Pairs among which reports are spread while the connection breaks. */
  readonly pairs: number;
}

export function clientContract({ start, probes, pairs }: ContractOptions): void {
  let fleet: RunningFleet;
  beforeAll(async () => {
    fleet = await start();
  }, 60_000);
  afterAll(() => fleet.stop(), 30_000);

  const connect = (tenant: string, options: Partial<FleetOptions> = {}) =>
    connected({ ...fleet.address, tenant, whenStale: 'failOpen', ...options });

  it('reports, hears of what comes of it, and forgets a circuit that closes', async () => {
    const tenant = tenantOf('plain');
    const client = await connect(tenant);
    const changes = client.circuits[Symbol.asyncIterator]();
    expect(client.circuits.staleSince).toBeNull();
    expect(client.circuits.isOpen('ann', 'bob')).toBe(false);

    const opened = next(client, 'opened');
    await client.report('ann', 'bob', 'failure', { weight: 3, content: 'no ☹', sessionId: 's', task: 't' });
    expect(await opened).toMatchObject({
      tenant,
      agentA: 'ann',
      agentB: 'bob',
      from: 'CLOSED',
      state: 'OPEN',
      enforced: true,
      cause: { kind: 'interaction', outcome: 'failure' },
    });
    expect(client.circuits.isOpen('ann', 'bob')).toBe(true);
    expect(client.circuits.isOpen('bob', 'ann')).toBe(true);
    expect(client.circuits.isOpen('ann', 'eve')).toBe(false);
    expect(client.circuits.get('bob', 'ann')).toMatchObject({
      state: 'OPEN',
      trustScore: 0.2,
      threshold: 0.3,
    });

    const closed = next(client, 'closed');
    await client.report('bob', 'ann', 'success', { weight: 3 });
    expect(await closed).toMatchObject({ from: 'OPEN', state: 'CLOSED' });
    expect(client.circuits.isOpen('ann', 'bob')).toBe(false);
    expect(client.circuits.list()).toEqual([]);

    expect(await take(changes, 2)).toMatchObject([{ type: 'opened' }, { type: 'closed' }]);
    await client.close();
    expect(await changes.next()).toMatchObject({ done: true });
    expect(client.counts).toMatchObject({ buffered: 0, sent: 2, refused: 0, dropped: 0 });
  });

  it('knows on connecting which circuits of its tenant are open', async () => {
    const [tenant, other] = [tenantOf('known'), tenantOf('other')];
    const before = await connect(tenant);
    const opened = next(before, 'opened');
    void before.report('ann', 'bob', 'failure', { weight: 3 });
    await opened;
    const [same, foreign] = [await connect(tenant), await connect(other)];
    expect(same.circuits.isOpen('bob', 'ann')).toBe(true);
    expect(same.circuits.list()).toMatchObject([{ tenant, agentA: 'ann', agentB: 'bob', state: 'OPEN' }]);
    expect(foreign.circuits.isOpen('bob', 'ann')).toBe(false);
  });

  it('guards calls: reports what came of them, and stops when the circuit opens', async () => {
    const tenant = tenantOf('guard');
    const client = await connect(tenant);
    const opened = next(client, 'opened');
    const answer = { text: 'a' };
    expect(await client.guard('ann', 'bob', async () => answer)).toBe(answer);
    expect(
      await client.guard('ann', 'bob', () => 'done', { classify: () => 'partial', sessionId: 's' }),
    ).toBe('done');
    const failure = new Error('it broke');
    await expect(
      client.guard(
        'bob',
        'ann',
        async () => {
          throw failure;
        },
        { weight: 9 },
      ),
    ).rejects.toBe(failure);
    await opened;
    const refused = client.guard('ann', 'bob', async () => ({ never: 'called' }));
    await expect(refused).rejects.toBeInstanceOf(TrustCircuitOpen);
    await expect(refused).rejects.toMatchObject({ reason: 'score', threshold: 0.3 });
    await client.flush();
    await until('all are applied', async () => (await fleet.count(tenant, 'ann', 'bob')) === 3);
    expect(client.counts.sent).toBe(3);
  });

  it('aborts a call that runs when its circuit opens, and does not hold that against the pair', async () => {
    const tenant = tenantOf('abort');
    const client = await connect(tenant);
    const running = client.guard(
      'ann',
      'bob',
      (signal) =>
        new Promise<object>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
          void client.report('ann', 'bob', 'failure', { weight: 3 });
        }),
    );
    await expect(running).rejects.toMatchObject({ name: 'TrustCircuitOpen', reason: 'score' });
    await client.flush();
    expect(client.counts.sent).toBe(1);
  });

  it('stops nobody in shadow mode', async () => {
    const client = await connect(tenantOf('shadow'));
    const opened = next(client, 'opened');
    void client.report('ann', 'bob', 'failure', { weight: 3 });
    expect(await opened).toMatchObject({ enforced: false, state: 'OPEN' });
    expect(client.circuits.get('ann', 'bob')).toMatchObject({ state: 'OPEN', enforced: false });
    expect(client.circuits.isOpen('ann', 'bob')).toBe(false);
    await expect(client.guard('ann', 'bob', async () => ({ made: true }))).resolves.toEqual({ made: true });
  });

  it(
    probes ? 'lets one probe through among all clients' : 'lets no probe through, without Redis',
    async () => {
      const tenant = tenantOf('cooling');
      const clients = await Promise.all([connect(tenant), connect(tenant), connect(tenant)]);
      const tried = await tryToProbe(clients);
      expect(tried.made).toBe(probes ? 1 : 0);
      expect(tried.refused.map(({ reason }) => reason)).toEqual(Array(probes ? 8 : 9).fill('half_open'));
      if (probes) await Promise.all(tried.closed);
    },
  );

  it('skips what is no circuit event, and counts it', async () => {
    const { publishCircuit } = fleet;
    if (publishCircuit === null) return;
    const tenant = tenantOf('invalid');
    const client = await connect(tenant);
    const garbage = ['{', '{}', '{"specversion":"1.0","data":{"transition":"x"}}'];
    for (const body of garbage)
      await publishCircuit({
        id: randomUUID(),
        tenant,
        key: '0123456789abcdef',
        headers: {},
        body: Buffer.from(body),
      });
    const opened = next(client, 'opened');
    void client.report('ann', 'bob', 'failure', { weight: 3 });
    await opened;
    expect(client.counts.invalidEvents).toBe(garbage.length);
    const late = await connect(tenant);
    expect(late.circuits.isOpen('ann', 'bob')).toBe(true);
  });

  describe('while the server is away', () => {
    it('keeps reports to the bound, says since when it is blind, and comes back by itself', async () => {
      const tenant = tenantOf('away');
      const buffer = { maxEvents: 20 };
      const open = await connect(tenant, { buffer, staleAfterMs: 0 });
      const closed = await connect(tenant, { whenStale: 'failClosed', staleAfterMs: 0 });
      const dropping = await connect(tenant, { buffer: { maxEvents: 5, whenFull: 'dropOldest' } });
      const opened = next(open, 'opened');
      void open.report('ann', 'bob', 'failure', { weight: 3 });
      await opened;
      await until('all clients know', async () => closed.circuits.isOpen('ann', 'bob'));

      const before = Date.now();
      const blind = [open, closed].map((client) => next(client, 'stale'));
      await fleet.kill();
      await Promise.all(blind);
      const since = open.circuits.staleSince?.getTime() ?? 0;
      expect(since).toBeGreaterThanOrEqual(before);
      expect(since).toBeLessThanOrEqual(Date.now());
      await until('nothing is trusted', async () => !open.circuits.trusted && !closed.circuits.trusted);
      expect([open.circuits.isOpen('ann', 'bob'), open.circuits.isOpen('ann', 'eve')]).toEqual([true, false]);
      expect([closed.circuits.isOpen('ann', 'bob'), closed.circuits.isOpen('ann', 'eve')]).toEqual([
        true,
        true,
      ]);
      await expect(closed.guard('ann', 'eve', async () => ({}))).rejects.toMatchObject({ reason: 'stale' });
      await expect(open.guard('ann', 'eve', async () => ({ made: 1 }))).resolves.toEqual({ made: 1 });

      for (let i = 1; i < 20; i++) await open.report('ann', 'eve', 'success');
      let waited = false;
      const waiting = open.report('ann', 'eve', 'success').then(() => {
        waited = true;
      });
      for (let i = 0; i < 8; i++) await dropping.report('ann', 'dan', 'success');
      expect(waited).toBe(false);
      expect(open.counts).toMatchObject({ buffered: 20, dropped: 0, refused: 0 });
      expect(dropping.counts.buffered).toBeLessThanOrEqual(5);
      expect(dropping.counts.dropped).toBeGreaterThanOrEqual(3);

      const seeing = [open, closed].map((client) => next(client, 'fresh'));
      await fleet.restart();
      await Promise.all([waiting, open.flush(), dropping.flush(), ...seeing]);
      expect(open.circuits.staleSince).toBeNull();
      expect(closed.circuits.isOpen('ann', 'eve')).toBe(false);
      expect(open.circuits.isOpen('ann', 'bob')).toBe(true);
      await until('all are applied', async () => (await fleet.count(tenant, 'ann', 'eve')) === 21);
      const heard = next(closed, 'closed');
      void open.report('ann', 'bob', 'success', { weight: 5 });
      await heard;
    }, 120_000);

    it('counts no report twice and loses none when the connection breaks in the middle', async () => {
      const tenant = tenantOf('broken');
      const client = await connect(tenant, { buffer: { maxEvents: 2_000 } });
      const total = 6_000;
      const reporting = (async () => {
        for (let i = 0; i < total; i++) await client.report('ann', `bob-${i % pairs}`, 'success');
      })();
      await until('some are sent', async () => client.counts.sent > 500);
      await fleet.kill();
      await fleet.restart();
      await reporting;
      await client.flush();
      const counts = async (): Promise<number> => {
        let sum = 0;
        for (let i = 0; i < pairs; i++) sum += await fleet.count(tenant, 'ann', `bob-${i}`);
        return sum;
      };
      await until('all are applied', async () => (await counts()) >= total, 60_000);
      expect(await counts()).toBe(total);
      expect(client.counts).toMatchObject({ sent: total, buffered: 0, refused: 0, dropped: 0 });
      expect(client.counts.retries).toBeGreaterThan(0);
    }, 180_000);
  });
}

/** Opens a circuit that cools down, and lets three clients try three times each when it is half open. */
export async function tryToProbe(clients: readonly Fleet[]) {
  const [first] = clients;
  if (first === undefined) throw new Error('no client');
  const halfOpened = clients.map((client) => next(client, 'half_opened'));
  const closed = clients.map((client) => next(client, 'closed'));
  for (const promise of closed) promise.catch(() => {});
  void first.report('ann', 'bob', 'failure', { weight: 2 });
  const numbers = (await Promise.all(halfOpened)).map(({ transition }) => transition);
  const refused: TrustCircuitOpen[] = [];
  let made = 0;
  await Promise.all(
    clients.flatMap((client) =>
      [1, 2, 3].map(async () => {
        try {
          await client.guard(
            'bob',
            'ann',
            async () => {
              made++;
              return { fine: true };
            },
            { weight: 9 },
          );
        } catch (error) {
          if (!(error instanceof TrustCircuitOpen)) throw error;
          refused.push(error);
        }
      }),
    ),
  );
  return { made, refused, closed, numbers };
}

export async function connected(options: FleetOptions): Promise<Fleet> {
  const client = await connectFleet({ flushOnExit: false, ...options });
  onTestFinished(() => client.close({ withinMs: 0 }).catch(() => {}));
  return client;
}

/** No two tests share one: what a tenant begins with chooses its policy. */
export function tenantOf(policy: string): string {
  return `${policy}-${randomUUID()}`;
}

/** The next event of a kind. */
export function next<Name extends keyof CircuitEvents>(
  client: Fleet,
  name: Name,
): Promise<CircuitEvents[Name] extends readonly [infer First, ...unknown[]] ? First : void> {
  return new Promise((resolve) => {
    const off = client.circuits.on(name, (...args) => {
      off();
      resolve(args[0] as never);
    });
  });
}

async function take(changes: AsyncIterator<CircuitChange>, count: number): Promise<CircuitChange[]> {
  const taken: CircuitChange[] = [];
  while (taken.length < count) {
    const result = await changes.next();
    if (result.done === true) return taken;
    taken.push(result.value);
  }
  return taken;
}
