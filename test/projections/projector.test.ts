import { Redis } from 'ioredis';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { AgentKeysFound } from '../../src/ports.js';
import { agentKeys } from '../../src/store/redis/agent-keys.js';
import type { NatsBroker } from '../../src/streams/nats/broker.js';
import type { CircuitState } from '../../src/trust/circuit.js';
import { makePairId } from '../../src/trust/pair.js';
import { describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';
import { brokerOf, connectionTo, optionsFor } from '../streams/nats/given.js';
import { circuitMessageOf, type Move } from './given.js';
import {
  isProjecting,
  lifetimes,
  projecting,
  publish,
  readAgent,
  reads,
  startProjector,
  unique,
} from './running.js';

describeWithServer(['redis', 'nats'], 'the projector', () => {
  let natsUrl = '';
  let redisUrl = '';
  let redis: Redis;
  beforeAll(async () => {
    [{ url: natsUrl }, { url: redisUrl }] = await Promise.all([startNats(), startRedis()]);
    redis = new Redis(redisUrl);
    return () => redis.disconnect();
  });

  /** A stream of circuits of the test's own, and agents that no other test has. */
  async function fleet(): Promise<{
    broker: NatsBroker;
    a: string;
    b: string;
    c: string;
    move: (
      agents: [string, string],
      to: CircuitState,
      transition: number,
      more?: Partial<Move>,
    ) => Promise<void>;
  }> {
    const broker = await brokerOf(optionsFor(natsUrl));
    const [a, b, c] = [unique('a'), unique('b'), unique('c')];
    const move = (agents: [string, string], to: CircuitState, transition: number, more: Partial<Move> = {}) =>
      publish(broker, { agents, to, transition, ...more });
    return { broker, a, b, c, move };
  }

  it('writes the worst of the pairs of an agent, and the lowest score in it', async () => {
    const { broker, a, b, c, move } = await fleet();
    await projecting({ broker, redisUrl });
    await move([a, b], 'OPEN', 1, { score: 0.2 });
    await move([a, c], 'HALF_OPEN', 1, { score: 0.1 });
    await reads(redis, a, '2 0.200000');
    await reads(redis, b, '2 0.200000');
    await reads(redis, c, '1 0.100000');
    await move([c, a], 'OPEN', 2, { score: 1 / 7 });
    await reads(redis, a, '2 0.142857');
    await move([a, c], 'CLOSED', 3, { score: 0.9 });
    await move([a, b], 'CLOSED', 2, { score: 0.5 });
    await reads(redis, a, '0 0.500000');
    await reads(redis, c, '0 0.900000');
  });

  it('writes nothing of what lies between while it reads up', async () => {
    const { broker, a, b, c, move } = await fleet();
    // More than is read at a time.
    const fleetOf = unique('fleet');
    const others = Array.from({ length: 1_200 }, (_, i): Move => {
      const name = `${fleetOf}-${i}`;
      return { agents: [name, name], to: 'HALF_OPEN', transition: 1 };
    });
    await move([a, b], 'OPEN', 1);
    await publish(broker, ...others);
    await move([a, b], 'TERMINATED', 2);
    await move([a, c], 'OPEN', 1);
    const monitor = await new Redis(redisUrl).monitor();
    onTestFinished(() => monitor.disconnect());
    const written: string[] = [];
    monitor.on('monitor', (_time: string, [command = '', key = '', value = '']: string[]) => {
      const isOurs = [a, b, c].some((agent) => key === agentKeys(agent)[0]);
      if (command.toLowerCase() === 'set' && isOurs) written.push(`${key} ${value}`);
    });
    await projecting({ broker, redisUrl });
    await reads(redis, c, '2 0.250000');
    await move([b, c], 'TERMINATED', 1);
    await reads(redis, c, '3 0.250000');
    const key = (agent: string): string => agentKeys(agent)[0];
    await until('the monitor saw it', async () => written.includes(`${key(c)} 3`));
    expect(written).toEqual([`${key(a)} 3`, `${key(b)} 3`, `${key(c)} 2`, `${key(c)} 3`]);
  });

  it('takes no notice of a late repeat, nor of what is no circuit event', async () => {
    const { broker, a, b, move } = await fleet();
    await projecting({ broker, redisUrl });
    await move([a, b], 'OPEN', 5);
    await move([a, b], 'CLOSED', 6, { score: 0.5 });
    const late = circuitMessageOf({ agents: [a, b], to: 'OPEN', transition: 5 }, '-repeated');
    await broker.sink.publish([late, { ...late, id: 'rubbish', body: Buffer.from('{"data":') }]);
    const end = unique('end');
    await move([end, end], 'OPEN', 1);
    await reads(redis, end, '2 0.250000');
    expect(await readAgent(redis, a)).toBe('0 0.500000');
  });

  it('leaves pairs in shadow mode and other tenants out', async () => {
    const { broker, a, b, c, move } = await fleet();
    const { told } = await projecting({ broker, redisUrl });
    await move([a, b], 'OPEN', 1, { enforced: false });
    await move([a, b], 'TERMINATED', 1, { tenant: 'other' });
    await move([a, c], 'HALF_OPEN', 1, { score: 0.4 });
    await reads(redis, a, '1 0.400000');
    expect(await readAgent(redis, b)).toBeNull();
    expect(told.map(({ agentId }) => agentId)).toEqual([a, c]);
  });

  it('takes back what it wrote of an agent whose last pair went into shadow mode, and nothing that others wrote', async () => {
    const { broker, a, b, move } = await fleet();
    const { told } = await projecting({ broker, redisUrl, compareEveryMs: 60_000 });
    await move([a, b], 'TERMINATED', 1);
    await reads(redis, b, '3 0.250000');
    await redis.set(agentKeys(b)[0], '2');
    await move([a, b], 'CLOSED', 2, { type: 'reset', score: 0.5, enforced: false });
    await reads(redis, a, null);
    expect(await readAgent(redis, b)).toBe('2 0.250000');
    expect(told.slice(2)).toMatchObject([
      { agentId: a, state: 0, trustScore: 0.5 },
      { agentId: b, state: 0, trustScore: 0.5 },
    ]);
  });

  it('takes names as they are, also a pair of an agent with itself', async () => {
    const { broker, move } = await fleet();
    await projecting({ broker, redisUrl });
    const odd = unique('a:circuit_state *.> {x} %25 ünï 🤖');
    await move([odd, odd], 'OPEN', 1);
    await reads(redis, odd, '2 0.250000');
    expect(await redis.get(`agent:${odd}:circuit_state`)).toBe('2');
    expect(await redis.get(`agent:${odd}:trust_score`)).toBe('0.250000');
  });

  describe('keys', () => {
    const day = 86_400;

    it('live for a day and are refreshed long before it ends', async () => {
      const { broker, a, b, move } = await fleet();
      const { projector } = await projecting({ broker, redisUrl });
      await move([a, b], 'OPEN', 1);
      await reads(redis, a, '2 0.250000');
      for (const seconds of await lifetimes(redis, a)) expect(seconds).toBeGreaterThan(day - 60);
      for (const key of agentKeys(a)) await redis.expire(key, day / 2 - 10);
      await until('they are refreshed', async () =>
        (await lifetimes(redis, a)).every((seconds) => seconds > day - 60),
      );
      expect(projector.counts.foreignWrites).toBe(0);
    });

    it('of one who was terminated stay, until it is reset', async () => {
      const { broker, a, b, move } = await fleet();
      await projecting({ broker, redisUrl });
      await move([a, b], 'TERMINATED', 1);
      await reads(redis, a, '3 0.250000');
      expect(await lifetimes(redis, a)).toEqual([-1, -1]);
      for (const key of agentKeys(a)) await redis.expire(key, 1_000);
      await until('they stay again', async () =>
        (await lifetimes(redis, a)).every((seconds) => seconds === -1),
      );
      await move([a, b], 'CLOSED', 2, { type: 'reset', score: 0.5 });
      await reads(redis, a, '0 0.500000');
      for (const seconds of await lifetimes(redis, a)) expect(seconds).toBeGreaterThan(day - 60);
    });

    it('that others overwrite are put right and counted', async () => {
      const { broker, a, b, move } = await fleet();
      const foreign: AgentKeysFound[] = [];
      const onForeignWrites = (found: readonly AgentKeysFound[]): void => void foreign.push(...found);
      const { projector } = await projecting({ broker, redisUrl, onForeignWrites });
      await move([a, b], 'OPEN', 1);
      await reads(redis, b, '2 0.250000');
      await redis.set(agentKeys(a)[0], '0');
      await reads(redis, a, '2 0.250000');
      await until('it is counted', async () => projector.counts.foreignWrites === 1);
      expect(foreign).toEqual([{ agentId: a, state: '0', score: '0.250000' }]);
    });

    it('that are gone, or of another type, are made again and not counted', async () => {
      const { broker, a, b, move } = await fleet();
      const { projector } = await projecting({ broker, redisUrl });
      await move([a, b], 'OPEN', 1);
      await reads(redis, b, '2 0.250000');
      await redis.del(agentKeys(a));
      await reads(redis, a, '2 0.250000');
      await redis.multi().del(agentKeys(b)[0]).rpush(agentKeys(b)[0], 'planted').exec();
      await reads(redis, b, '2 0.250000');
      expect(projector.counts.foreignWrites).toBe(0);
    });

    it('are the same again after a restart', async () => {
      const { broker, a, b, c, move } = await fleet();
      const first = await projecting({ broker, redisUrl });
      await move([a, b], 'OPEN', 1, { score: 0.2 });
      await move([a, c], 'TERMINATED', 1, { score: 0.7 });
      await move([b, c], 'OPEN', 1, { enforced: false });
      await reads(redis, c, '3 0.700000');
      await reads(redis, b, '2 0.200000');
      await first.stop();
      await redis.del([a, b, c].flatMap(agentKeys));
      await projecting({ broker, redisUrl });
      await reads(redis, a, '3 0.700000');
      await reads(redis, b, '2 0.200000');
      await reads(redis, c, '3 0.700000');
      expect(await lifetimes(redis, c)).toEqual([-1, -1]);
    });

    it('lie on another server where that is wanted, and the lease stays with the state', async () => {
      const { broker, a, b, move } = await fleet();
      const { url: keysUrl } = await startRedis({ own: true });
      const other = new Redis(keysUrl);
      onTestFinished(() => other.disconnect());
      const prefix = unique('p');
      await projecting({ broker, redisUrl, keysUrl, prefix });
      await move([a, b], 'OPEN', 1);
      await reads(other, a, '2 0.250000');
      expect(await readAgent(redis, a)).toBeNull();
      expect(await redis.exists(`${prefix}:projector`)).toBe(1);
    });
  });

  describe('telemetry', () => {
    it('tells for each transition how both agents stand after it', async () => {
      const { broker, a, b, c, move } = await fleet();
      const { told } = await projecting({ broker, redisUrl });
      await move([a, b], 'OPEN', 1, { score: 0.2 });
      await move([c, a], 'CLOSED', 1, { score: 0.5 });
      await until('all is told', async () => told.length === 4);
      const common = { timestamp: 1_700_000_000.25 };
      const [ab, ac] = [makePairId(a, b), makePairId(a, c)];
      expect(told).toEqual([
        { agentId: a, state: 2, trustScore: 0.2, pairId: ab, ...common },
        { agentId: b, state: 2, trustScore: 0.2, pairId: ab, ...common },
        { agentId: c, state: 0, trustScore: 0.5, pairId: ac, ...common },
        { agentId: a, state: 2, trustScore: 0.2, pairId: ac, ...common },
      ]);
    });

    it('does not tell again what was there at the start', async () => {
      const { broker, a, b, c, move } = await fleet();
      await move([a, b], 'OPEN', 1);
      const { told } = await projecting({ broker, redisUrl });
      await move([c, c], 'OPEN', 1);
      await until('it tells', async () => told.length > 0);
      expect(told.map(({ agentId }) => agentId)).toEqual([c]);
    });

    it('goes without keys', async () => {
      const { broker, a, b, move } = await fleet();
      const { told, projector } = await projecting({ broker, redisUrl, keys: null });
      await move([a, b], 'OPEN', 1);
      await until('it tells', async () => told.length === 2);
      expect(await readAgent(redis, a)).toBeNull();
      expect(projector.counts).toEqual({ projecting: true, foreignWrites: 0, pairs: 1 });
    });
  });

  describe('of several processes', () => {
    it('is one; another takes over when it goes', async () => {
      const { broker, a, b, c, move } = await fleet();
      const prefix = unique('p');
      const first = await projecting({ broker, redisUrl, prefix, leaseMs: 1_000 });
      const asked = await new Redis(redisUrl).monitor();
      onTestFinished(() => asked.disconnect());
      let owners = new Set<string>();
      asked.on('monitor', (_time: string, [command = '', , , key = '', owner = '']: string[]) => {
        if (command.toLowerCase() === 'evalsha' && key === `${prefix}:projector`) owners = owners.add(owner);
      });
      const second = await startProjector({ broker, redisUrl, prefix, leaseMs: 1_000 });
      await until('the second has asked for the lease', async () => owners.size === 2);
      await move([a, b], 'OPEN', 1);
      await reads(redis, a, '2 0.250000');
      expect(second.projector.counts).toMatchObject({ projecting: false, pairs: 0 });
      await first.stop();
      await isProjecting(second);
      await move([c, c], 'OPEN', 1);
      await reads(redis, c, '2 0.250000');
      expect([first.told.length, second.told.length]).toEqual([2, 1]);
    });

    it('writes and tells nothing more when another has the lease', async () => {
      const { broker, a, b, move } = await fleet();
      const prefix = unique('p');
      const { projector, told } = await projecting({ broker, redisUrl, prefix, leaseMs: 1_000 });
      await move([a, b], 'OPEN', 1);
      await reads(redis, b, '2 0.250000');
      await redis.set(`${prefix}:projector`, 'another', 'PX', 60_000);
      await redis.set(agentKeys(a)[0], '1');
      await until('it noticed', async () => !projector.counts.projecting);
      await move([a, b], 'CLOSED', 2, { score: 0.5 });
      expect(await readAgent(redis, a)).toBe('1 0.250000');
      expect(told).toHaveLength(2);
      await redis.del(`${prefix}:projector`);
      await reads(redis, a, '0 0.500000');
      expect(told).toHaveLength(2);
    });

    it('projects what was published before it was stopped, and leaves no lease', async () => {
      const { broker, a, b, move } = await fleet();
      const prefix = unique('p');
      const { stop } = await projecting({ broker, redisUrl, prefix });
      await move([a, b], 'OPEN', 1);
      await stop();
      expect(await readAgent(redis, a)).toBe('2 0.250000');
      expect(await redis.exists(`${prefix}:projector`)).toBe(0);
    });
  });

  it('begins anew when the stream was made anew', async () => {
    const options = optionsFor(natsUrl);
    const broker = await brokerOf(options);
    const [a, b] = [unique('a'), unique('b')];
    await projecting({ broker, redisUrl });
    await publish(broker, { agents: [a, a], to: 'OPEN', transition: 1 });
    await reads(redis, a, '2 0.250000');
    await (await (await connectionTo(natsUrl)).jetstreamManager()).streams.delete(options.streams.circuits);
    const other = await brokerOf(options);
    await publish(other, { agents: [b, b], to: 'OPEN', transition: 1 });
    await reads(redis, b, '2 0.250000');
  });
});
