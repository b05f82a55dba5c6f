/** One suite for every place in which the last analysis of a pair is kept. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { analysisKeptSeconds, readAnalysis } from '../../src/rlm/analysis-record.js';
import { type AnalysisStore, keptAnalysisIds, type StoredAnalysis } from '../../src/rlm/ports.js';
import { EmbeddedStore } from '../../src/store/embedded/store.js';
import { MemoryAnalyses } from '../../src/store/memory-analyses.js';
import type { Calls } from '../../src/store/redis/calls.js';
import { RedisStore } from '../../src/store/redis/store.js';
import { makePairId } from '../../src/trust/pair.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';
import { startRedisCluster } from '../servers/redis-cluster.js';

const made = Date.now() / 1000;
const pairId = makePairId('ann', 'bob');
const analysis: StoredAnalysis = {
  tenant: 'default',
  pairId,
  session: 'é "s"',
  at: made,
  askedBy: 'event-1',
  result: {
    id: 'a-1',
    verdict: 'ping_pong',
    confidence: 0.9,
    summary: 'They hand it to and fro. It rests on six turns.',
    evidence: [{ handle: 'ctx://s/0000', turns: [1, 2], event_ids: ['e-1'], excerpt: 'over to you' }],
    would_close: false,
    tokens: 0,
    cost: 0,
    trace_id: null,
  },
};
const later = { ...analysis, at: made + 0.001, askedBy: 'event-2' };

/** @param open a new, empty place */
function analysesContract(open: () => Promise<AnalysisStore>): void {
  it('gives back the analysis of a pair, and none of another', async () => {
    const store = await open();
    expect(await store.latest('default', pairId)).toBeNull();
    await store.keep(analysis);
    expect(await store.latest('default', pairId)).toEqual(analysis);
    expect(await store.latest('acme', pairId)).toBeNull();
    expect(await store.latest('default', makePairId('ann', 'eve'))).toBeNull();
  });

  it('keeps the one that was made last, whichever comes last', async () => {
    const store = await open();
    await store.keep(later);
    await store.keep(analysis);
    expect(await store.latest('default', pairId)).toEqual(later);
    const again = { ...later, askedBy: 'event-3' };
    await store.keep(again);
    expect(await store.latest('default', pairId)).toEqual(again);
  });

  it('knows which were made, also of those before the last, and only so many', async () => {
    const store = await open();
    const numbered = (n: number): StoredAnalysis => ({
      ...analysis,
      at: made + n,
      result: { ...analysis.result, id: `a-${n}` },
    });
    expect(await store.isMade('default', pairId, 'a-0')).toBe(false);
    for (let n = 0; n < keptAnalysisIds; n++) await store.keep(numbered(n));
    await store.keep(numbered(keptAnalysisIds - 1));
    expect(await store.isMade('default', pairId, 'a-0')).toBe(true);
    expect(await store.isMade('default', pairId, 'a-')).toBe(false);
    expect(await store.isMade('acme', pairId, 'a-0')).toBe(false);
    await store.keep({ ...numbered(-1), at: made - 1 });
    expect(await store.isMade('default', pairId, 'a--1')).toBe(true);
    expect(await store.isMade('default', pairId, 'a-0')).toBe(false);
    expect(await store.latest('default', pairId)).toEqual(numbered(keptAnalysisIds - 1));
  });
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ft-analyses-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function openEmbedded(path = folder(), clock = () => made): Promise<EmbeddedStore> {
  const store = await EmbeddedStore.open(path, { clock });
  onTestFinished(() => store.close());
  return store;
}

describe('analyses in memory', () => {
  analysesContract(async () => new MemoryAnalyses(() => made));
});

describe('analyses in a folder', () => {
  analysesContract(async () => (await openEmbedded()).analyses);

  it('are there when it is opened again', async () => {
    const path = folder();
    const store = await openEmbedded(path);
    await store.analyses.keep(analysis);
    await store.close();
    expect(await (await openEmbedded(path)).analyses.latest('default', pairId)).toEqual(analysis);
  });

  it.each(['memory', 'folder'])('are forgotten 30 days after they were made: %s', async (where) => {
    let now = made;
    const clock = () => now;
    const store =
      where === 'memory' ? new MemoryAnalyses(clock) : (await openEmbedded(folder(), clock)).analyses;
    await store.keep(analysis);
    now += analysisKeptSeconds - 1;
    expect(await store.latest('default', pairId)).toEqual(analysis);
    now += 1;
    expect(await store.latest('default', pairId)).toBeNull();
  });
});

it.each(['{', '{}', '[]', 'null', '{"tenant":"default"}'])(
  'an analysis that cannot be read is told: %s',
  (json) => {
    expect(() => readAnalysis(json, 'key k')).toThrow(
      expect.objectContaining({ code: 'state_unreadable', message: expect.stringContaining('key k') }),
    );
  },
);

let namespaces = 0;
async function openRedis(url: string): Promise<RedisStore> {
  const store = await RedisStore.open({ url, prefix: `analyses-${++namespaces}`, shards: 4 });
  onTestFinished(() => store.close());
  return store;
}

describeWithServer('redis', 'analyses in Redis', () => {
  let url = '';
  beforeAll(async () => {
    url = (await startRedis()).url;
  });
  analysesContract(async () => (await openRedis(url)).analyses);

  it('lie in a key of their pair that lapses after 30 days, and what cannot be read gives way', async () => {
    const store = await openRedis(url);
    await store.analyses.keep(analysis);
    const { client } = (store as unknown as { calls: Calls }).calls;
    const shard = Number.parseInt(pairId.slice(0, 8), 16) % 4;
    const key = `analyses-${namespaces}:{${shard}}:analysis:default:${pairId}`;
    const left = await client.call('ttl', key);
    expect(left).toBeGreaterThan(analysisKeptSeconds - 60);
    expect(left).toBeLessThanOrEqual(analysisKeptSeconds);
    await client.set(key, '{"at":');
    await expect(store.analyses.latest('default', pairId)).rejects.toMatchObject({
      code: 'state_unreadable',
    });
    await store.analyses.keep(analysis);
    expect(await store.analyses.latest('default', pairId)).toEqual(analysis);
  });
});

describeWithServer('redis', 'analyses in a Redis Cluster', () => {
  let url = '';
  beforeAll(async () => {
    const { nodes } = await startRedisCluster({ masters: 3 });
    url = `redis+cluster://${nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`;
  });
  analysesContract(async () => (await openRedis(url)).analyses);
});
