/** `probes: leased` and `opening: change` together: a circuit that needs several probes, of which each has the lease. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fleet, TrustCircuitOpen } from '../../src/client/index.js';
import { commandLine } from '../helpers/cli.js';
import { describeWithServer } from '../servers/describe.js';
import { until } from '../servers/until.js';
import { connected, next, tenantOf } from './contract.js';
import { fleetOnHttp, fleetOnNats, type RunningFleet } from './running.js';

describeWithServer('nats', 'leased probes of a change, on NATS', () => leasedProbes(fleetOnNats), {
  own: true,
});

describe('leased probes of a change, over HTTP', () => {
  const command = commandLine();
  leasedProbes(() => fleetOnHttp(command));
});

function leasedProbes(start: () => Promise<RunningFleet>): void {
  let fleet: RunningFleet;
  beforeAll(async () => {
    fleet = await start();
  });
  afterAll(() => fleet.stop());

  it('close the circuit together, one after another', async () => {
    const { tenant, clients, first } = await halfOpen();
    // What is no probe counts in the score, and moves nothing.
    await report(first, 'success', 9);
    await until('it is applied', async () => (await fleet.count(tenant, 'ann', 'bob')) === 4);
    expect(stateIn(first)).toBe('HALF_OPEN');

    const tried = { running: 0, most: 0, made: 0, reasons: new Set<string>() };
    const probe = async () => {
      tried.made++;
      tried.most = Math.max(tried.most, ++tried.running);
      await nextTurn();
      tried.running--;
      return { fine: true };
    };
    const probeUntilClosed = (client: Fleet) =>
      until(
        'the circuit closes',
        async () => {
          if (stateIn(client) === undefined) return true;
          await client.guard('bob', 'ann', probe).catch((error: unknown) => {
            if (!(error instanceof TrustCircuitOpen)) throw error;
            tried.reasons.add(error.reason);
          });
          return false;
        },
        40_000,
      );
    await Promise.all(clients.map(probeUntilClosed));
    // Each of them brings the evidence down by 4.5, from 100 to 1 or less.
    expect(tried).toEqual({ running: 0, most: 1, made: 4, reasons: new Set(['half_open']) });
    expect(await fleet.count(tenant, 'ann', 'bob')).toBe(8);
  });

  it('open it again with one that fails, and with nothing else', async () => {
    const { tenant, clients, first } = await halfOpen();
    await report(first, 'failure', 9);
    await until('it is applied', async () => (await fleet.count(tenant, 'ann', 'bob')) === 4);
    expect(clients.map(stateIn)).toEqual(clients.map(() => 'HALF_OPEN'));

    const opened = clients.map((client) => next(client, 'opened'));
    const failure = new Error('still broken');
    const failing = () => Promise.reject<object>(failure);
    await expect(first.guard('ann', 'bob', failing)).rejects.toBe(failure);
    for (const change of await Promise.all(opened))
      expect(change).toMatchObject({ from: 'HALF_OPEN', cause: { kind: 'interaction', outcome: 'failure' } });
  });

  /** A circuit that three failures opened and its cooldown half-opened, as three clients see it. */
  async function halfOpen() {
    const tenant = tenantOf('leased');
    const connect = () => connected({ ...fleet.address, tenant, whenStale: 'failOpen', probeLeaseMs: 1_000 });
    const first = await connect();
    const clients = [first, await connect(), await connect()];
    const halfOpened = clients.map((client) => next(client, 'half_opened'));
    for (let i = 0; i < 3; i++) await report(first, 'failure');
    await Promise.all(halfOpened);
    return { tenant, clients, first };
  }
}

/** Without `guard`, so it is no probe. */
async function report(client: Fleet, outcome: 'success' | 'failure', weight = 1): Promise<void> {
  await client.report('ann', 'bob', outcome, { weight });
  await client.flush();
}

const stateIn = (client: Fleet) => client.circuits.get('ann', 'bob')?.state;
