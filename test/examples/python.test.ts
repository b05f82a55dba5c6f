import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { startBroker } from '../helpers/brokers.js';
import { commandLine } from '../helpers/cli.js';
import { describeWithServer } from '../servers/describe.js';
import { findOwnServer } from '../servers/find.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('../../examples/08-python/', import.meta.url));

// They use the names that a fleet has by default, so servers of their own.
for (const source of ['nats', 'kafka'] as const)
  describeWithServer(
    ['redis', source, 'python'],
    `the example of a Python agent on ${source}`,
    () => {
      const commands = commandLine();
      let address: string;
      let redis: readonly string[];
      beforeAll(async () => {
        const [broker, { url }] = await Promise.all([
          startBroker(source, { own: true }),
          startRedis({ own: true }),
        ]);
        address = broker.address;
        redis = ['--redis', url];
        const process = ['process', '--source', source, `--${source}`, address, ...redis, '--json'];
        await commands.start(process).prints('stdout', /\n/);
      }, 60_000);

      /** Runs the agent to its end; returns the lines that it printed. */
      const agent = async (): Promise<string[]> => {
        const python = findOwnServer('python')?.path ?? '';
        const { stdout } = await run(python, [`${folder}${source}_agent.py`, address], { timeout: 50_000 });
        return stdout.trimEnd().split('\n');
      };
      const opened = 'planner and python-agent: CLOSED -> OPEN, trust 0.250';
      const callsIn = (line = '') => Number(/^stopped after (\d+) calls$/.exec(line)?.[1]);

      it('publishes failures, hears that its circuit opened, and stops', async () => {
        const [heard, end, ...rest] = await agent();
        expect([heard, rest]).toEqual([opened, []]);
        const calls = callsIn(end);
        expect(calls).toBeGreaterThanOrEqual(2);
        // The first two open it. How many follow before it hears of that is for the machine to say.
        expect(calls).toBeLessThan(50);
        const state = await until('all that it published is counted', async () => {
          const { stdout } = await commands.run(['state', 'planner', 'python-agent', ...redis, '--json']);
          const read = JSON.parse(stdout) as { interaction_count: number; circuit_state: string };
          return read.interaction_count >= calls && read;
        });
        expect(state).toMatchObject({ interaction_count: calls, circuit_state: 'OPEN' });
      });

      it('does not call at all where the circuit is open when it starts', async () => {
        expect(await agent()).toEqual([opened, 'stopped after 0 calls']);
      });

      it('calls again after a reset', async () => {
        const reset = ['reset', 'planner', 'python-agent', `--${source}`, address];
        expect((await commands.run(reset)).stdout).toContain('done: circuit event');
        const lines = await agent();
        const last = lines.slice(-3);
        expect(last).toEqual([
          expect.stringMatching(/^planner and python-agent: OPEN -> CLOSED, trust /),
          opened,
          expect.stringMatching(/^stopped after \d+ calls$/),
        ]);
        expect(callsIn(last[2])).toBeGreaterThanOrEqual(2);
      });
    },
    { own: true },
  );
