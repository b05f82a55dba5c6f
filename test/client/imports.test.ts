import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../', import.meta.url));

/** Which packages of servers are loaded after a module of ours was imported. */
const script = (specifier: string): string => `
  import { createRequire } from 'node:module';
  await import('${specifier}');
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  const servers = ['nats', 'kafkajs', 'ioredis'];
  console.log(JSON.stringify(servers.filter((name) => loaded.some((file) => file.includes('/node_modules/' + name + '/')))));
`;

it.each(['fulcrum-trust', 'fulcrum-trust/client'])(
  'importing %s loads no client of a server',
  async (specifier) => {
    const { stdout } = await run('node', ['--input-type=module', '--eval', script(specifier)], {
      cwd: repository,
    });
    expect(JSON.parse(stdout)).toEqual([]);
  },
);

it('a client of a server that is loaded would be seen', async () => {
  const loading = script('nats');
  const { stdout } = await run('node', ['--input-type=module', '--eval', loading], { cwd: repository });
  expect(JSON.parse(stdout)).toEqual(['nats']);
});
