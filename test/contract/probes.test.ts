/** One suite for every place in which clients agree on who is the probe of a pair. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProbedPair, Probes } from '../../src/ports.js';
import { MemoryProbes } from '../../src/store/memory-probes.js';
import { openProbeRedis } from '../../src/store/redis/probes.js';
import { NatsBroker } from '../../src/streams/nats/broker.js';
import { makePairId } from '../../src/trust/pair.js';
import { describeWithNats, describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';
import { optionsFor } from '../streams/nats/given.js';

const pair: ProbedPair = {
  tenant: 'default',
  pairId: makePairId('ann', 'bob:*'),
  agentA: 'ann',
  agentB: 'bob:*',
  transition: 1_700_000_000_123,
};
const longMs = 30_000;
const shortMs = 1_000;

/** @param open two views of one place, as two processes have them */
function probesContract(open: () => Promise<readonly [Probes, Probes]>): void {
  it('gives the right to one holder, who renews it, until it is let go', async () => {
    const [here, there] = await open();
    const first = here.lease(pair, 'first', longMs);
    const second = there.lease(pair, 'second', longMs);
    expect(await first.hold()).toBe(true);
    expect(await second.hold()).toBe(false);
    expect(await first.hold()).toBe(true);
    expect(await there.lease(pair, 'first', longMs).hold()).toBe(true);
    await second.release();
    expect(await second.hold()).toBe(false);
    await first.release();
    expect(await second.hold()).toBe(true);
    expect(await first.hold()).toBe(false);
  });

  it('gives it to one of many who ask at once', async () => {
    const [here, there] = await open();
    const asked = Array.from({ length: 20 }, (_, i) =>
      (i % 2 ? here : there).lease(pair, `h-${i}`, longMs).hold(),
    );
    expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(1);
  });

  it('lets it lapse', async () => {
    const [here, there] = await open();
    expect(await here.lease(pair, 'first', shortMs).hold()).toBe(true);
    const second = there.lease(pair, 'second', shortMs);
    expect(await second.hold()).toBe(false);
    await until('it has lapsed', async () => second.hold(), 5_000);
    expect(await here.lease(pair, 'first', shortMs).hold()).toBe(false);
  });

  it('keeps nobody from a pair under another number, nor from another pair', async () => {
    const [here, there] = await open();
    expect(await here.lease(pair, 'first', longMs).hold()).toBe(true);
    const others = [
      { ...pair, transition: pair.transition + 1 },
      { ...pair, tenant: 'other' },
      { ...pair, pairId: makePairId('ann', 'eve'), agentB: 'eve' },
    ];
    for (const other of others) expect(await there.lease(other, 'second', longMs).hold()).toBe(true);
  });
}

describe('probes in memory', () => {
  probesContract(async () => {
    const probes = new MemoryProbes();
    return [probes, probes];
  });
});

describeWithServer('redis', 'probes in Redis', () => {
  probesContract(async () => {
    const { url } = await startRedis();
    const prefix = `probes-${randomBytes(4).toString('hex')}`;
    const open = async (): Promise<Probes> => {
      const { probes, close } = await openProbeRedis({ connection: { url }, prefix, onStatus: () => {} });
      onTestFinished(close);
      return probes;
    };
    return [await open(), await open()];
  });
});

describeWithNats('probes in NATS', (version) => {
  probesContract(async () => {
    const { url } = await startNats({ version });
    const options = optionsFor(url, { probesBucket: `PROBES_${randomBytes(4).toString('hex')}` });
    const open = async (): Promise<Probes> => {
      const broker = await NatsBroker.connect(options);
      onTestFinished(() => broker.close());
      return broker.probes;
    };
    return [await open(), await open()];
  });
});
