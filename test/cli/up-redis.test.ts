import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { commandLine, type Up } from '../helpers/cli.js';
import { getFrom, postTo } from '../helpers/http.js';
import { describeWithServer } from '../servers/describe.js';
import { type RedisServer, startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';

const failure = { agent_a: 'a', agent_b: 'b', outcome: 'failure' };
const pair = '/v1/pairs?agent_a=a&agent_b=b';

describeWithServer(
  'redis',
  '`up` on Redis alone',
  () => {
    const { start, run } = commandLine();
    let server: RedisServer;
    let redis: Redis;
    beforeAll(async () => {
      server = await startRedis({ own: true, args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
      redis = new Redis(server.url);
      redis.on('error', () => {});
      return () => redis.disconnect();
    });

    const startUp = (prefix: string, ...flags: string[]) =>
      start(['up', '--port', '0', '--json', '--redis', server.url, ...flags], {
        environment: { FULCRUM_REDIS_PREFIX: prefix },
      });
    const up = async (prefix: string, ...flags: string[]): Promise<Up> => {
      const command = startUp(prefix, ...flags);
      const said = await command.prints('stdout', /^.+(?=\n)/);
      expect(JSON.parse(said)).toEqual({
        url: expect.stringMatching(/^http:/),
        source: 'http',
        store: 'redis',
      });
      return Object.assign(command, { url: (JSON.parse(said) as { url: string }).url });
    };
    const namesOfSources = async (prefix: string): Promise<string[]> =>
      [...(await redis.keys(`${prefix}:*http@*`)), ...(await redis.hkeys(`${prefix}:{0}:mark`))].filter(
        (name) => name.includes('http@'),
      );

    it('takes all that it takes on a folder, and leaves only the state behind', async () => {
      const first = await up('whole');
      expect(await postTo(first.url, '/v1/interactions', [failure, { ...failure, id: 'x' }])).toEqual({
        status: 202,
        body: { accepted: 2, rejected: [] },
      });
      expect(await postTo(first.url, '/v1/interactions', { ...failure, outcome: 'bad' })).toMatchObject({
        status: 400,
        body: { errors: [{ field: 'outcome' }] },
      });
      const circuits = await getFrom(first.url, '/v1/circuits');
      expect(circuits.body).toMatchObject({ circuits: [{ circuit_state: 'OPEN', interaction_count: 2 }] });
      const terminate = { agent_a: 'a', agent_b: 'b', action: 'terminate' };
      expect((await postTo(first.url, '/v1/commands', terminate)).body).toMatchObject({ changed: true });
      expect((await postTo(first.url, '/v1/commands', terminate)).body).toEqual({
        changed: false,
        events: [],
      });
      expect(await namesOfSources('whole')).not.toEqual([]);
      expect((await first.kill('SIGTERM')).code).toBe(0);
      expect(await namesOfSources('whole')).toEqual([]);

      // The positions of another run are no repeats, and the id of an event still is one.
      const second = await up('whole');
      await postTo(second.url, '/v1/interactions', [failure, { ...failure, id: 'x' }]);
      expect((await getFrom(second.url, pair)).body).toMatchObject({ interaction_count: 3 });
    }, 30_000);

    it('follows its config file while it runs, and so does who comes after it without one', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'fulcrum-trust-policies-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      const file = join(folder, 'fulcrum.yaml');
      const config = (enforced: boolean): string =>
        `policies: [{ name: trial, match: { tenant: 'default', agents: [a, '*'] }, enforced: ${enforced} }]`;
      await writeFile(file, config(false));
      const first = await up('follows', '--config', file);
      await postTo(first.url, '/v1/interactions', [failure, failure]);
      expect((await getFrom(first.url, pair)).body).toMatchObject({
        circuit_state: 'OPEN',
        enforced: false,
      });
      await writeFile(file, config(true));
      await first.prints('stderr', /policies changed/);
      expect((await getFrom(first.url, pair)).body).toMatchObject({
        policy: { name: 'trial' },
        enforced: true,
      });
      await first.kill('SIGTERM');
      const second = await up('follows');
      expect((await getFrom(second.url, pair)).body).toMatchObject({
        policy: { name: 'trial' },
        enforced: true,
      });
    }, 30_000);

    it('makes the recoveries of silent pairs', async () => {
      const { url } = await up('recovers', '--set', 'trust.halfLifeSeconds=1');
      await postTo(url, '/v1/interactions', [failure, failure]);
      await until('the circuit is closed', async () => {
        const { body } = await getFrom(url, pair);
        return body['circuit_state'] === 'CLOSED' && body['interaction_count'] === 2;
      });
    }, 30_000);

    it('has the state for itself, and has it again when it was killed', async () => {
      const first = await up('own');
      await postTo(first.url, '/v1/interactions', failure);
      const { code, stderr } = await startUp('own').ended;
      expect(code).toBe(6);
      expect(stderr).toContain('another processor works on this state');
      await first.kill('SIGKILL');
      const second = await up('own');
      await postTo(second.url, '/v1/interactions', failure);
      expect((await getFrom(second.url, pair)).body).toMatchObject({ interaction_count: 2 });
    }, 40_000);

    it('clears up after runs that were killed long ago', async () => {
      const first = await up('cleared');
      await postTo(first.url, '/v1/interactions', [failure, failure]);
      await first.kill('SIGKILL');
      const left = await namesOfSources('cleared');
      expect(left.some((name) => name.includes(':seen:'))).toBe(true);
      const [field = ''] = left.filter((name) => name.startsWith('read_to:'));
      await redis.hset('cleared:{0}:mark', field, Date.now() / 1_000 - 3_601);
      const second = await up('cleared');
      const source = field.replace('read_to:', '');
      expect((await namesOfSources('cleared')).filter((name) => name.includes(source))).toEqual([]);
      expect((await getFrom(second.url, pair)).body).toMatchObject({ interaction_count: 2 });
    }, 40_000);

    it('says while Redis is away that it is not ready, and loses nothing that it was told', async () => {
      const { url } = await up('away');
      await postTo(url, '/v1/interactions', { ...failure, id: 'before' });
      await server.kill();
      await until('it is not ready', async () => (await getFrom(url, '/readyz')).status === 503);
      expect(await getFrom(url, pair)).toMatchObject({ status: 503, body: { title: 'Not now' } });
      const waiting = postTo(url, '/v1/interactions', { ...failure, id: 'meanwhile' });
      await server.restart();
      expect(await waiting).toEqual({ status: 202, body: { accepted: 1, rejected: [] } });
      await until('it is ready', async () => (await getFrom(url, '/readyz')).status === 200);
      expect((await getFrom(url, pair)).body).toMatchObject({ interaction_count: 2 });
    }, 60_000);

    it('does not go together with a folder, nor --fresh with no broker', async () => {
      expect(await run(['up', '--redis', server.url, '--data', 'here'])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('name --data or --redis'),
      });
      expect(await run(['up', '--redis', server.url, '--fresh'])).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('--fresh is for events of a broker'),
      });
    });
  },
  { own: true },
);
