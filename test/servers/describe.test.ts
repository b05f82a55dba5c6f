import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const project = fileURLToPath(new URL('../../', import.meta.url));

test('a suite without its server is skipped and named at the end of the run', async () => {
  const { output, exitCode } = await runLackingSuite({ CI: '' });
  expect(output.slice(-3)).toEqual([
    'Did not run, no kafka server found; to get it: npm run servers:install',
    '  what needs Kafka',
    '1 passed, 0 failed, 1 skipped',
  ]);
  expect(exitCode).toBe(0);
});

test('in CI it fails and says what is missing', async () => {
  const { output, exitCode } = await runLackingSuite({ CI: 'true' });
  expect(output.join('\n')).toContain('no kafka server found; to get it: npm run servers:install');
  expect(output.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
  expect(exitCode).toBe(1);
});

/** Runs `lacking/suite.ts` where no Kafka can be found: without Java, containers and an address. */
function runLackingSuite(env: NodeJS.ProcessEnv): Promise<{ output: string[]; exitCode: unknown }> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/servers/lacking/vitest.config.ts'];
  const nowhere = { PATH: '', DOCKER_HOST: 'tcp://127.0.0.1:1', FULCRUM_TEST_KAFKA_BROKERS: '' };
  const options = { cwd: project, env: { ...nowhere, NO_COLOR: '1', ...env } };
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ output: `${stderr}${stdout}`.trimEnd().split('\n'), exitCode: error?.code ?? 0 });
    });
  });
}
