import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine } from '../helpers/cli.js';
import { until } from '../servers/until.js';
import { fleetOnHttp, type RunningFleet } from './running.js';

const repository = fileURLToPath(new URL('../../', import.meta.url));

describe('a process that is told to stop', () => {
  const command = commandLine();
  let fleet: RunningFleet;
  beforeAll(async () => {
    fleet = await fleetOnHttp(command);
  });
  afterAll(() => fleet.stop());

  /** Runs an agent that reports twice and is then told to stop, before anything can have been sent. */
  async function agent(
    tenant: string,
    around: string,
  ): Promise<[code: number | null, signal: string | null]> {
    const script = `
      import { connectFleet } from 'fulcrum-trust/client';
      const fleet = await connectFleet({ http: ${JSON.stringify(fleet.address.http)}, tenant: '${tenant}', whenStale: 'failOpen' });
      fleet.report('ann', 'bob', 'success');
      fleet.report('ann', 'bob', 'success');
      ${around}`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: repository,
      stdio: 'inherit',
    });
    return (await once(child, 'exit')) as [number | null, string | null];
  }
  const applied = (tenant: string) =>
    until('both are applied', async () => (await fleet.count(tenant, 'ann', 'bob')) === 2);

  it('sends what was reported, then ends as the signal says', async () => {
    expect(await agent('signal', "process.kill(process.pid, 'SIGTERM');")).toEqual([null, 'SIGTERM']);
    await applied('signal');
  });

  it('leaves its end to the program where that listens itself, and sends too', async () => {
    const listens = `process.on('SIGINT', () => setTimeout(() => process.exit(3), 1000));
      process.kill(process.pid, 'SIGINT');`;
    expect(await agent('own', listens)).toEqual([3, null]);
    await applied('own');
  });

  it('ends by itself once it has closed its client', async () => {
    expect(await agent('closed', 'await fleet.close();')).toEqual([0, null]);
    await applied('closed');
  });
});
