import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Finding } from '../../src/ports.js';
import { defaultNatsOptions, optionsOf } from '../../src/streams/nats/options.js';
import { analyserRights } from '../../src/streams/nats/permissions.js';
import { besides, documentedRule, setUser } from '../helpers/acl.js';
import { commandLine, jsonLines } from '../helpers/cli.js';
import { describeWithServer } from '../servers/describe.js';
import { freePort } from '../servers/loopback.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';

/** The subjects that docs/analyser.md gives to a user. */
const page = readFileSync(new URL('../../docs/analyser.md', import.meta.url), 'utf8');
const [documented = ''] = /permissions \{[\s\S]*?\n\}/.exec(page) ?? [];
const user = (name: string, permissions: string) => `{ user: ${name}, password: secret, ${permissions} }`;
const users = [
  '{ user: admin, password: secret }',
  user('analyser', documented),
  user('mute', documented.replace('"fulcrum.trust.analyses.*.*"', '')),
];

const as = (name: string, url: string): string => url.replace('://', `://${name}:secret@`);

describeWithServer(
  ['nats', 'redis'],
  '`doctor` of a fleet with analysers',
  () => {
    const { start, run } = commandLine();

    async function findingsOf(...args: string[]): Promise<(what: string) => Finding | undefined> {
      const { stdout } = await run(['doctor', ...args, '--json']);
      const findings = jsonLines<Finding & Record<string, unknown>>(stdout);
      return (what) => findings.find((finding) => finding.what.endsWith(what));
    }

    it('asks for what the docs give to the user of an analyser, and no more', () => {
      const { publishes } = analyserRights(optionsOf(defaultNatsOptions, 'analysers'), [
        'analyses',
        'dead-letters',
      ]);
      const given = [...documented.matchAll(/"([^"]+)"/g)].map(([, subject]) => subject);
      expect(given).toEqual([...publishes, '$JS.API.INFO', '$SYS.REQ.USER.INFO', '_INBOX.>']);
    });

    it('is content with the rights with which an analyser does its work, on the broker and on the Redis of transcripts', async () => {
      const [nats, redis] = await Promise.all([
        startNats({ config: `authorization { users: [ ${users.join('\n')} ] }` }),
        startRedis({ own: true }),
      ]);
      await setUser(redis.url, documentedRule('secret', 'transcripts'));
      const transcripts = ['--transcripts', as('transcripts', redis.url)];
      const natsAs = (name: string) => ['--nats', as(name, nats.url)];

      const before = await findingsOf(...natsAs('admin'), ...transcripts);
      expect(before('nats consumer fulcrum-analyser of FULCRUM_CIRCUITS')).toMatchObject({
        status: 'warning',
        detail: 'is absent',
      });
      // Streams and consumers are made by one who may.
      const maker = start(['analyze', ...natsAs('admin'), ...transcripts]);
      await maker.prints('stdout', /analysing nats/);
      expect((await maker.kill('SIGTERM')).code).toBe(0);

      const analyser = start(['analyze', ...natsAs('analyser'), ...transcripts]);
      await analyser.prints('stdout', /analysing nats/);
      const publish = ['publish', 'planner', 'coder', '--outcome', 'failure', '--content', 'its tests fail'];
      expect((await run([...publish, ...natsAs('admin')])).code).toBe(0);
      const answer = await run(['analyze', 'planner', 'coder', ...natsAs('admin'), '--json']);
      expect(JSON.parse(answer.stdout)).toMatchObject({ session_id: 'default', verdict: 'none' });
      expect((await analyser.kill('SIGTERM')).code).toBe(0);
      expect(analyser.stderr).not.toMatch(/denied|trying again/);

      const found = await findingsOf(...natsAs('analyser'), ...transcripts);
      expect(found('nats permissions of analysers')).toMatchObject({
        status: 'ok',
        detail: 'all that an analyser needs',
      });
      for (const stream of ['INTERACTIONS', 'CIRCUITS', 'ANALYSES'])
        expect(found(`nats consumer fulcrum-analyser of FULCRUM_${stream}`)).toMatchObject({
          status: 'ok',
          detail: '0 to be read, 0 not yet acknowledged',
        });
      expect(found('version')).toMatchObject({ status: 'ok' });
      expect(found('permissions')).toMatchObject({ what: 'nats permissions', status: 'bad' });
      const address = redis.url.replace('redis://', '');
      expect(found(`transcripts redis://${address} permissions`)).toMatchObject({
        status: 'ok',
        detail: 'the user may do all that is needed',
      });

      const mute = await findingsOf(...natsAs('mute'), ...transcripts);
      expect(mute('nats permissions of analysers')).toMatchObject({
        status: 'bad',
        detail: 'may not publish to fulcrum.trust.analyses.*.*',
        mend: 'grant this to the user',
      });
      const feedback = ['--set', 'analysis.feedback.enabled=true'];
      const outcomes = await findingsOf(...natsAs('analyser'), ...transcripts, ...feedback);
      expect(outcomes('nats permissions of analysers')).toMatchObject({
        detail: 'may not publish to fulcrum.trust.interactions.*',
      });
      const off = ['--set', 'analysis.enabled=false'];
      const without = await findingsOf(...natsAs('mute'), ...transcripts, ...off);
      expect(without('nats permissions of analysers')).toBeUndefined();
      expect(without(`transcripts redis://${address} version`)).toBeUndefined();
    });

    it('looks at the Redis of transcripts: where it is, what its user lacks, its memory and settings', async () => {
      const port = await freePort();
      const away = await run(['doctor', '--transcripts', `redis://127.0.0.1:${port}`, '--json']);
      expect(away.code).toBe(1);
      expect(jsonLines(away.stdout)).toEqual([
        {
          what: `transcripts redis://127.0.0.1:${port}`,
          status: 'bad',
          detail: expect.stringMatching(/does not answer/),
          mend: 'start it, or mend analysis.transcripts.redisUrl, user and password',
        },
      ]);

      const { url } = await startRedis({ own: true });
      const rule = documentedRule('secret', 'transcripts');
      await setUser(url, [...rule, '-hincrby', '-zrank']);
      const transcripts = ['--transcripts', as('transcripts', url)];
      const lacking = await findingsOf(...transcripts);
      expect(lacking('permissions')).toMatchObject({
        status: 'bad',
        detail: 'the user lacks +hincrby +zrank, or the keys ~ft:transcripts:*',
      });
      expect(lacking('memory')).toMatchObject({
        status: 'warning',
        detail: expect.stringMatching(/^NOPERM/),
        mend: 'let the user of analysis.transcripts.redisUrl run this, or look by hand',
      });

      await setUser(url, [...rule, ...besides('`doctor`')]);
      const whole = await run(['doctor', ...transcripts, '--json']);
      expect(whole.code).toBe(0);
      expect(jsonLines(whole.stdout).map(({ what, status }) => [String(what).split(' ')[2], status])).toEqual(
        [
          ['version', 'ok'],
          ['memory', 'ok'],
          ['persistence', 'warning'],
          ['permissions', 'ok'],
        ],
      );
    });

    it('says where transcripts may not fit, or are taken away', async () => {
      const small = await startRedis({ args: ['--maxmemory', '100mb'] });
      const bytes = (most: string) => ['--set', `analysis.transcripts.bytesInTotal=${most}`];
      const flags = ['--transcripts', small.url];
      const most = 100 * 1024 * 1024;
      expect((await findingsOf(...flags))('memory')).toMatchObject({
        status: 'warning',
        detail: `maxmemory is ${most} bytes, and up to ${8 * 1024 ** 3} bytes of text are kept: when it is full, analysers wait`,
      });
      expect((await findingsOf(...flags, ...bytes('50000000')))('memory')).toMatchObject({
        status: 'ok',
        detail: `${most} bytes, for up to 50000000 bytes of text and what lies round them`,
      });
      const evicting = await startRedis({
        args: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru', '--appendonly', 'yes'],
      });
      const found = await findingsOf('--transcripts', evicting.url, ...bytes('50000000'));
      expect(found('memory')).toMatchObject({
        status: 'warning',
        detail: expect.stringContaining('maxmemory-policy is allkeys-lru: it takes parts of conversations'),
      });
      expect(found('persistence')).toMatchObject({ status: 'ok' });
    });
  },
  { own: true },
);
