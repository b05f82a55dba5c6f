import { Redis } from 'ioredis';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { AgentKeyTexts } from '../../src/ports.js';
import { agentKeys } from '../../src/store/redis/agent-keys.js';
import { checkAgentKeys } from '../../src/store/redis/check-agent-keys.js';
import {
  openProjectionRedis,
  type ProjectionRedis,
  refuseCluster,
} from '../../src/store/redis/projection.js';
import { unique } from '../projections/running.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';
import { startRedisCluster } from '../servers/redis-cluster.js';
import { until } from '../servers/until.js';

const texts = (agentId: string, state = '2', score = '0.250000'): AgentKeyTexts => ({
  agentId,
  state,
  score,
  lapses: true,
});

describeWithServer('redis', 'what projections have in Redis', () => {
  let url = '';
  let redis: Redis;
  beforeAll(async () => {
    ({ url } = await startRedis());
    redis = new Redis(url);
    return () => redis.disconnect();
  });

  async function open(prefix: string, leaseMs = 5_000): Promise<ProjectionRedis> {
    const opened = await openProjectionRedis({
      state: { url, prefix },
      keys: { url },
      leaseMs,
      onStatus: () => {},
    });
    onTestFinished(() => opened.close());
    return opened;
  }

  describe('the lease', () => {
    it("is one process's until it lets it go", async () => {
      const prefix = unique('p');
      const [one, other] = [await open(prefix), await open(prefix)];
      expect(await one.lease.hold()).toBe(true);
      expect(await other.lease.hold()).toBe(false);
      await other.lease.release();
      expect(await one.lease.hold()).toBe(true);
      await one.lease.release();
      expect(await other.lease.hold()).toBe(true);
    });

    it('lapses when it is not renewed', async () => {
      const prefix = unique('p');
      const [one, other] = [await open(prefix, 100), await open(prefix)];
      expect(await one.lease.hold()).toBe(true);
      expect(await redis.pttl(`${prefix}:projector`)).toBeLessThanOrEqual(100);
      await until('the other has it', () => other.lease.hold());
    });
  });

  describe('the keys of agents', () => {
    it('are not written by one who has lost the lease, nor removed', async () => {
      const prefix = unique('p');
      const [zombie, other] = [await open(prefix), await open(prefix)];
      const agent = unique('a');
      await zombie.lease.hold();
      expect(await zombie.keys?.show([texts(agent)])).toEqual([{ agentId: agent, state: null, score: null }]);
      await redis.del(`${prefix}:projector`);
      // Nobody has it.
      expect(await zombie.keys?.show([texts(agent, '0', '0.500000')])).toBeNull();
      await other.lease.hold();
      expect(await zombie.keys?.show([texts(agent, '0', '0.500000')])).toBeNull();
      expect(await zombie.keys?.withdraw([texts(agent)])).toBe(false);
      expect(await redis.mget(agentKeys(agent))).toEqual(['2', '0.250000']);
      expect(await other.keys?.show([texts(agent, '0', '0.500000')])).toEqual([
        { agentId: agent, state: '2', score: '0.250000' },
      ]);
    });

    it('are as many as there are', async () => {
      const { lease, keys } = await open(unique('p'));
      await lease.hold();
      const all = Array.from({ length: 1_234 }, (_, i) => texts(unique(`a${i}`)));
      expect(await keys?.show(all)).toHaveLength(1_234);
      const planted = all[1_100]?.agentId ?? '';
      await redis.set(agentKeys(planted)[1], 'planted');
      expect(await keys?.show(all)).toEqual([{ agentId: planted, state: '2', score: 'planted' }]);
      expect(await keys?.show(all)).toEqual([]);
      await keys?.withdraw(all);
      expect(await redis.exists(...all.flatMap(({ agentId }) => agentKeys(agentId)))).toBe(0);
    });
  });

  describe('doctor', () => {
    it('says that they can be read', async () => {
      expect(await checkAgentKeys({ url }, 'redis.url')).toMatchObject({ status: 'ok' });
    });

    it('says when the server does not answer, and what to mend', async () => {
      const finding = await checkAgentKeys({ url: 'redis://u:secret@127.0.0.1:1' }, 'projection.redisUrl');
      expect(finding).toMatchObject({
        what: 'redis redis://127.0.0.1:1 keys of agents',
        status: 'bad',
        detail: expect.stringContaining('does not answer'),
        mend: expect.stringContaining('projection.redisUrl'),
      });
    });

    it('says when the user may not touch them', async () => {
      const { url: guarded } = await startRedis({
        args: ['--user', 'ft', 'on', '>pw', '~ft:*', '+@all'],
      });
      const finding = await checkAgentKeys({ url: guarded.replace('://', '://ft:pw@') }, 'redis.url');
      expect(finding).toMatchObject({ status: 'bad', mend: expect.stringContaining('agent:*') });
    });
  });
});

it('a cluster is refused, by the key that names it', () => {
  expect(() => refuseCluster('redis://h:1', 'redis.url')).not.toThrow();
  expect(() => refuseCluster('redis+sentinel://h:1/main', 'redis.url')).not.toThrow();
  expect(() => refuseCluster('redis+cluster://h:1,i:2', 'projection.redisUrl')).toThrow(
    expect.objectContaining({
      code: 'config',
      message: expect.stringMatching(/^projection\.redisUrl is a Redis Cluster/),
    }),
  );
});

describeWithServer(
  'redis',
  'projections of trust state in a cluster',
  () => {
    it('have their lease there, and the keys on another server', async () => {
      const [{ nodes }, { url: keysUrl }] = await Promise.all([startRedisCluster(), startRedis()]);
      const state = `redis+cluster://${nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`;
      const prefix = unique('p');
      const [one, other] = await Promise.all(
        [1, 2].map(() =>
          openProjectionRedis({ state: { url: state, prefix }, keys: { url: keysUrl }, onStatus: () => {} }),
        ),
      );
      onTestFinished(() => {
        one?.close();
        other?.close();
      });
      expect([await one?.lease.hold(), await other?.lease.hold()]).toEqual([true, false]);
      const agent = unique('a');
      expect(await one?.keys?.show([texts(agent)])).toHaveLength(1);
      const keys = new Redis(keysUrl);
      onTestFinished(() => keys.disconnect());
      expect(await keys.mget(agentKeys(agent))).toEqual(['2', '0.250000']);
      await one?.lease.release();
      expect(await other?.lease.hold()).toBe(true);
    });
  },
  { own: true },
);
