import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { describeWithServer } from './describe.js';
import { startRedis } from './redis.js';

describeWithServer(
  'redis',
  'the process of a server',
  () => {
    test('that does not come up is reported with its log, which is kept', async () => {
      const error: Error = await startRedis({ args: ['--maxmemory', 'much'] }).then(
        () => expect.unreachable('it came up'),
        (reason) => reason,
      );
      expect(error.message).toMatch(/^redis ended with 1\n.*'maxmemory "much"'/s);
      const log = /log, (\S+),/.exec(error.message)?.[1] ?? '';
      expect(readFileSync(log, 'utf8')).toContain('maxmemory');
      rmSync(dirname(log), { recursive: true });
    });

    test('is gone after a stop, and a second stop does no harm', async () => {
      const server = await startRedis({ own: true });
      const { pid } = server;
      await server.stop();
      await server.stop();
      expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
      expect(() => server.pid).toThrow('redis does not run');
    });
  },
  { own: true },
);
