import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { checkRedis } from '../../src/store/redis/check.js';
import { nameOf } from '../../src/store/redis/connection.js';
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/store.js';
import {
  apply,
  at,
  collapse,
  command,
  dueBy,
  kinds,
  outboxOf,
  readPair,
  start,
} from '../contract/store/given.js';
import { besides, documentedRule } from '../helpers/acl.js';
import { type Certificates, makeCertificates, opensslIsThere } from '../servers/certificates.js';
import { describeWithServer } from '../servers/describe.js';
import { loopback } from '../servers/loopback.js';
import { type RedisServer, startRedis } from '../servers/redis.js';

describeWithServer(
  'redis',
  'the connection of a RedisStore',
  () => {
    let server: RedisServer;
    let admin: Redis;
    beforeAll(async () => {
      server = await startRedis({ own: true });
      admin = new Redis(server.url);
      return () => admin.disconnect();
    });

    async function open(options: RedisStoreOptions): Promise<RedisStore> {
      const store = await RedisStore.open(options);
      onTestFinished(() => store.close());
      return store;
    }

    const refusal = (options: RedisStoreOptions): Promise<unknown> =>
      RedisStore.open(options).then(
        () => 'opened',
        (error: unknown) => error,
      );

    it('keeps to its database and its prefix', async () => {
      const store = await open({ url: `${server.url}/3`, prefix: 'fleet:a' });
      await apply(store, [collapse(start)]);
      expect(await admin.keys('*')).toEqual([]);
      const third = new Redis(`${server.url}/3`);
      onTestFinished(() => third.disconnect());
      const keys = await third.keys('*');
      expect(keys.length).toBeGreaterThan(3);
      expect(keys.filter((key) => !key.startsWith('fleet:a:'))).toEqual([]);
      expect(await readPair(await open({ url: `${server.url}/3`, prefix: 'fleet:b' }))).toBeNull();
    });

    it('refuses a database that is not there, and writes to no other', async () => {
      expect(await refusal({ url: `${server.url}/99`, prefix: 'nowhere' })).toMatchObject({
        message: expect.stringContaining('DB index is out of range'),
      });
      expect(await admin.keys('nowhere*')).toEqual([]);
    });

    it.each([
      ['redis+cluster://127.0.0.1:6379/1', 'a cluster has no databases'],
      ['redis://:100%@127.0.0.1', '% as %25'],
      ['redis://user:sec/ret@127.0.0.1', '/ as %2F'],
    ])('refuses the URL %s in one sentence without its password', async (url, message) => {
      const error = await refusal({ url });
      expect(error).toMatchObject({ code: 'config', message: expect.stringContaining(message) });
      expect(String(error)).not.toMatch(/sec\/ret|100%@/);
    });

    it('says nothing secret of a URL, whatever the password is', () => {
      expect(nameOf('redis://u:a/b@c@host:1/2')).toBe('redis://host:1/2');
    });

    it.each([
      ['redis+sentinel://127.0.0.1:1/main', /127\.0\.0\.1:1\/main does not answer/],
      ['redis+cluster://127.0.0.1:1', /127\.0\.0\.1:1 does not answer/],
    ])('says at once that nobody listens at %s', async (url, message) => {
      expect(await refusal({ url })).toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(message),
      });
    });

    it('gives up a server that takes the connection and says nothing', async () => {
      const silent = createServer(() => {}).listen(0, loopback);
      onTestFinished(() => void silent.close());
      await new Promise((resolve) => silent.once('listening', resolve));
      const { port } = silent.address() as { port: number };
      expect(await refusal({ url: `redis://${loopback}:${port}` })).toMatchObject({ code: 'unavailable' });
    });

    describe.runIf(opensslIsThere())('by TLS', () => {
      let own: Certificates;
      let strange: Certificates;
      let secure: RedisServer;
      beforeAll(async () => {
        const folders = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'fulcrum-test-tls-')));
        [own, strange] = folders.map(makeCertificates) as [Certificates, Certificates];
        secure = await startRedis({ tls: own });
        return () => {
          for (const folder of folders) rmSync(folder, { recursive: true });
        };
      });

      it('works under an authority of ones own', async () => {
        const store = await open({ url: secure.url, tls: { caFile: own.ca } });
        expect(kinds(await apply(store, [collapse(start)]))).toEqual(['applied']);
      });

      it('refuses a server of another authority in one sentence', async () => {
        const error = await refusal({ url: secure.url, tls: { caFile: strange.ca } });
        expect(error).toMatchObject({
          code: 'denied',
          message: expect.stringMatching(
            /^rediss:\/\/127\.0\.0\.1:\d+ has a certificate that is not trusted here \(.*\): check redis\.caFile and the host$/,
          ),
        });
        expect(await checkRedis({ url: secure.url, tls: { caFile: strange.ca } })).toMatchObject([
          { status: 'bad', detail: expect.stringContaining('not trusted here') },
        ]);
      });

      it('names the file that cannot be read', async () => {
        expect(await refusal({ url: secure.url, tls: { caFile: '/nowhere/ca.pem' } })).toMatchObject({
          code: 'config',
          message: expect.stringContaining('redis.caFile: /nowhere/ca.pem cannot be read'),
        });
      });
    });

    describe('as a user of the documented rights', () => {
      let url = '';
      beforeAll(async () => {
        await admin.call('ACL', 'SETUSER', ...documentedRule('secret'));
        url = server.url.replace('://', '://fulcrum:secret@');
      });

      it('does all that a store does', async () => {
        const store = await open({ url });
        await store.register(true);
        await store.policies.write({ version: 1, default: {}, policies: [] });
        await store.policies.read();
        await apply(store, [collapse(start)]);
        await store.outbox.remove(await outboxOf(store));
        await store.mark([{ source: 'log', acknowledged: 3_000_000, readTo: start }]);
        expect(await store.marks()).toHaveLength(1);
        await store.due(dueBy(start + 86_400));
        await store.command(command('terminate', start));
        for await (const { pair } of store.circuits()) expect(pair.state?.circuitState).toBe('TERMINATED');
        expect(await readPair(store)).not.toBeNull();
        const later = await open({ url });
        expect(later.timedRecovery).toBe(true);
      });

      it('is content in doctor, but for the settings that it may not look at', async () => {
        const findings = await checkRedis({ url });
        expect(findings.filter(({ status }) => status === 'bad')).toEqual([]);
        expect(findings).toContainEqual(
          expect.objectContaining({ status: 'ok', detail: 'the user may do all that is needed' }),
        );
        await admin.call('ACL', 'SETUSER', 'fulcrum', ...besides('`doctor`'));
        const all = await checkRedis({ url });
        expect(all.filter(({ detail }) => detail.startsWith('NOPERM'))).toEqual([]);
      });

      it.each([
        ['-xadd', '+xadd'],
        ['-eval', 'eval'],
      ])('is told by doctor what it lacks after %s', async (rule, lack) => {
        await admin.call('ACL', 'SETUSER', 'fulcrum', rule);
        onTestFinished(
          async () => void (await admin.call('ACL', 'SETUSER', 'fulcrum', rule.replace('-', '+'))),
        );
        expect(await checkRedis({ url })).toContainEqual(
          expect.objectContaining({ status: 'bad', detail: expect.stringContaining(lack) }),
        );
      });

      it('is refused on another prefix, in one sentence', async () => {
        expect(await refusal({ url, prefix: 'other' })).toMatchObject({
          code: 'denied',
          message: expect.stringMatching(/does not let this user do it: NOPERM/),
        });
        expect(await checkRedis({ url, prefix: 'other' })).toContainEqual(
          expect.objectContaining({ status: 'bad', detail: expect.stringContaining('~other:*') }),
        );
      });

      it('is refused before anything is done when it may do only a part of it', async () => {
        const store = await open({ url });
        await admin.call('ACL', 'SETUSER', 'fulcrum', '-setrange');
        const events = [collapse(start, { agentA: 'new', ...at(4_000_000) })];
        try {
          await expect(apply(store, events)).rejects.toMatchObject({
            code: 'denied',
            message: expect.stringMatching(/lacks \+setrange on keys like ft:\{\d+\}/),
          });
          expect(await readPair(store, 'new', 'b')).toBeNull();
        } finally {
          await admin.call('ACL', 'SETUSER', 'fulcrum', '+setrange');
        }
        expect(kinds(await apply(store, events))).toEqual(['applied']);
      });
    });
  },
  { own: true },
);
