import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, onTestFinished } from 'vitest';
import { EmbeddedTranscripts } from '../../src/store/embedded/transcripts.js';
import { RedisTranscripts } from '../../src/store/redis/transcripts.js';
import { MemoryTranscripts } from '../../src/store/transcripts/memory.js';
import { clusterRule, documentedRule, setUser } from '../helpers/acl.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';
import { startRedisCluster } from '../servers/redis-cluster.js';
import { describeTranscripts, type TranscriptsUnderTest } from './transcripts.js';

describeTranscripts({
  name: 'memory',
  open: async (bounds, clock) => new MemoryTranscripts({ bounds, clock }),
});

describeTranscripts({
  name: 'EmbeddedTranscripts',
  open: async (bounds, clock) => {
    const path = mkdtempSync(join(tmpdir(), 'ft-transcripts-'));
    const store = await EmbeddedTranscripts.open(path, { bounds, clock });
    onTestFinished(async () => {
      await store.close();
      rmSync(path, { recursive: true, force: true });
    });
    return store;
  },
});

/** Opens transcripts under a prefix of their own, as the user whose rights docs/servers.md gives. */
function opener(urlOf: () => string): TranscriptsUnderTest['open'] {
  let namespaces = 0;
  return async (bounds, clock) => {
    const prefix = `ft:transcripts:${++namespaces}`;
    const store = await RedisTranscripts.open({ url: urlOf(), prefix, bounds, clock });
    onTestFinished(() => store.close());
    return store;
  };
}

describeWithServer(
  'redis',
  'one Redis',
  () => {
    let url = '';
    beforeAll(async () => {
      const server = await startRedis({ own: true });
      await setUser(server.url, documentedRule('secret', 'transcripts'));
      url = server.url.replace('://', '://transcripts:secret@');
    });
    describeTranscripts({
      name: 'RedisTranscripts, with the rights that are needed',
      open: opener(() => url),
    });
  },
  { own: true },
);

describeWithServer(
  'redis',
  'three masters of a cluster',
  () => {
    let url = '';
    beforeAll(async () => {
      const { nodes } = await startRedisCluster();
      for (const node of nodes) await setUser(node.url, clusterRule('secret', 'transcripts'));
      const addresses = nodes.map(({ host, port }) => `${host}:${port}`).join(',');
      url = `redis+cluster://transcripts:secret@${addresses}`;
    });
    describeTranscripts({
      name: 'RedisTranscripts, with the rights that are needed',
      open: opener(() => url),
    });
  },
  { own: true },
);
