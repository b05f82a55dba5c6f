import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { besides, documentedRule } from '../helpers/acl.js';
import { commandLine, jsonLines } from '../helpers/cli.js';
import { describeWithServer } from '../servers/describe.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';

describeWithServer(
  ['redis', 'nats'],
  'a Redis user of the documented rights',
  () => {
    const { start, run } = commandLine();

    it('is enough for process, state, circuits and doctor', async () => {
      const { url } = await startRedis({ own: true });
      const nats = ['--nats', (await startNats({ own: true })).url];
      const admin = new Redis(url);
      await admin.call('ACL', 'SETUSER', ...documentedRule('secret'), ...besides('the keys of agents'));
      admin.disconnect();
      const redis = ['--redis', url.replace('://', '://fulcrum:secret@')];

      const processor = start(['process', '--source', 'nats', ...nats, ...redis, '--json']);
      await processor.prints('stdout', /\n/);
      const watching = start(['watch', ...nats, '--json']);
      await watching.prints('stderr', /watching/);
      for (let i = 0; i < 2; i++) await run(['publish', 'planner', 'coder', '--outcome', 'failure', ...nats]);
      await watching.prints('stdout', /circuit\.opened\.v1.*\n/);
      const state = await run(['state', 'planner', 'coder', ...redis, '--json']);
      expect(JSON.parse(state.stdout)).toMatchObject({ circuit_state: 'OPEN' });
      expect((await run(['circuits', ...redis])).stdout).toContain('planner');
      const doctor = await run(['doctor', ...nats, ...redis, '--json']);
      const findings = jsonLines<{ what: string; status: string }>(doctor.stdout);
      expect(findings.filter(({ what, status }) => what.startsWith('redis') && status === 'bad')).toEqual([]);
      expect(findings).toContainEqual(
        expect.objectContaining({ status: 'ok', detail: 'the user may do all that is needed' }),
      );
      expect(await processor.kill('SIGTERM')).toMatchObject({ code: 0 });
      expect(await watching.kill('SIGTERM')).toMatchObject({ code: 0 });
    }, 60_000);
  },
  { own: true },
);
