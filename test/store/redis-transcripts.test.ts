import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { FulcrumError } from '../../src/errors.js';
import type { SessionOf, TranscriptBounds } from '../../src/rlm/ports.js';
import { examine } from '../../src/runtime/doctor.js';
import { connectRedis, disconnect } from '../../src/store/redis/connection.js';
import { RedisTranscripts } from '../../src/store/redis/transcripts.js';
import { makePairId } from '../../src/trust/pair.js';
import { allOf, said } from '../contract/transcripts.js';
import { documentedRule, setUser } from '../helpers/acl.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';

const now = 1_700_000_000;
const talk: SessionOf = { tenant: 'default', pairId: makePairId('ann', 'bob'), session: 's' };
const bounds: TranscriptBounds = { bytesPerPair: 1_000, maxAgeSeconds: 1_000, bytesInTotal: 1e6 };

describeWithServer('redis', 'transcripts in Redis', () => {
  async function open(
    prefix: string,
    url: string,
    own: TranscriptBounds = bounds,
  ): Promise<RedisTranscripts> {
    const store = await RedisTranscripts.open({ url, prefix, bounds: own, clock: () => now });
    onTestFinished(() => store.close());
    return store;
  }

  it('of two writers at once of the same turns keeps each once and counts it once', async () => {
    const { url } = await startRedis();
    const [here, there] = [await open('two', url), await open('two', url)];
    const all = Array.from({ length: 900 }, (_, i) => said(i + 1, 'xxx', now - 500 + i / 10, talk));
    await Promise.all([
      ...[0, 300, 600].map((from) => here.add(all.slice(from, from + 300))),
      ...[600, 0, 300].map((from) => there.add(all.slice(from, from + 300))),
    ]);
    // A thousand bytes hold 333 of them: the newest.
    const turns = await allOf(there, talk);
    expect(turns.map(({ eventId }) => eventId)).toEqual(all.slice(-333).map(({ turn }) => turn.eventId));
    expect(await here.sessions(talk.tenant, talk.pairId)).toMatchObject([{ turns: 333, bytes: 999 }]);
  });

  it('counts no more what has expired', async () => {
    const { url } = await startRedis();
    const store = await open('expired', url);
    const client = await connectRedis({ url }, () => {});
    onTestFinished(() => disconnect(client));
    const root = 'expired:{0}:';
    const pair = `default:${talk.pairId}`;
    const sizes = () => client.hgetall(`${root}sizes`);
    await store.add([said(1, 'aaa', now, talk), said(2, 'bb', now, { ...talk, session: 't' })]);
    expect(await sizes()).toEqual({ total: '5', [pair]: '5' });
    await client.del(`${root}turns:${pair}:s`);
    await store.add([said(3, 'c', now, talk)]);
    expect(await sizes()).toEqual({ total: '3', [pair]: '3' });
    const keys = [`turns:${pair}:s`, `turns:${pair}:t`, `sessions:${pair}`, `texts:${pair}`];
    await client.del(...keys.map((key) => root + key));
    await store.add([said(4, 'dddd', now, talk)]);
    expect(await sizes()).toEqual({ total: '4', [pair]: '4' });
  });

  it('gives every key a time after which it is gone', async () => {
    const { url } = await startRedis();
    await (await open('lapse', url)).add([said(1, 'aaa', now, talk)]);
    const client = await connectRedis({ url }, () => {});
    onTestFinished(() => disconnect(client));
    const keys = await client.call('keys', 'lapse:*');
    for (const key of keys as string[]) {
      const left = Number(await client.call('ttl', key));
      expect(left, key).toBeGreaterThan(1_000);
      expect(left, key).toBeLessThanOrEqual(1_000 + 3_600);
    }
    expect(keys).toHaveLength(5);
  });

  it('are not half kept: a right that its user lacks is named before anything is written', async () => {
    const { url } = await startRedis({ own: true });
    const admin = new Redis(url);
    onTestFinished(() => admin.disconnect());
    const user = ['ACL', 'SETUSER', 'transcripts'] as const;
    const rule = documentedRule('secret', 'transcripts');
    await setUser(url, rule);
    const refused = async (): Promise<string> => {
      const options = { url: url.replace('://', '://transcripts:secret@'), bounds, clock: () => now };
      const store = await RedisTranscripts.open(options);
      onTestFinished(() => store.close());
      return await store.add([said(1, 'aaa', now, talk)]).then(() => '', codeAndMessage);
    };
    const commands = rule.filter((word) => word.startsWith('+'));
    for (const allowed of commands) {
      await admin.call(...user, allowed.replace('+', '-'));
      expect(await refused().catch(codeAndMessage)).toMatch(
        new RegExp(`^denied: .*\\b${allowed.slice(1)}\\b`),
      );
      await admin.call(...user, allowed);
    }
    expect(commands.length).toBeGreaterThan(10);
    await admin.call(...user, 'resetkeys', '~ft:other:*');
    expect(await refused()).toMatch(/^denied: .* to access one of the keys/);
    await admin.call(...user, '~ft:transcripts:*');
    expect(await admin.dbsize()).toBe(0);
    expect(await refused()).toBe('');
    expect(await admin.dbsize()).toBe(5);
  });
});

function codeAndMessage(error: unknown): string {
  if (error instanceof FulcrumError) return `${error.code}: ${error.message}`;
  throw error;
}

describeWithServer('redis', 'doctor', () => {
  it('warns where transcripts lie with the trust state', async () => {
    const { url } = await startRedis();
    const config = loadConfig(null, {
      redis: { url },
      projection: { agentKeys: false },
      analysis: { transcripts: { redisUrl: url } },
    });
    expect(await examine(config, { brokers: [], redis: false, transcripts: true })).toContainEqual(
      expect.objectContaining({ what: 'analysis.transcripts.redisUrl', status: 'warning' }),
    );
  });
});
