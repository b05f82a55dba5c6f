import { beforeAll, expect, it } from 'vitest';
import type { CircuitEvent } from '../../src/events/schemas.js';
import { startBroker } from '../helpers/brokers.js';
import { commandLine, jsonLines } from '../helpers/cli.js';
import { fleetOn } from '../helpers/fleet.js';
import { bitcoinColumns as columns, bitcoinRatings as ratings } from '../helpers/shared.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(['redis', source], `process on ${source} and Redis`, () => {
    const commands = commandLine();
    let broker: readonly string[] = [];
    let redis: readonly string[] = [];
    beforeAll(async () => {
      broker = [`--${source}`, (await startBroker(source)).address];
      redis = ['--redis', (await startRedis()).url];
    }, 60_000);

    const fleet = (name: string) => fleetOn(commands, { source, broker, redis }, name);

    it('comes from one process to another, and takes an operator', async () => {
      const { process, watch, run: ask } = fleet('small');
      const processor = await process();
      const watching = await watch();
      const failure = ['publish', 'planner', 'coder', '--outcome', 'failure', ...broker];
      expect(await ask(...failure)).toMatchObject({ code: 0, stdout: '1 accepted, 0 rejected\n' });
      expect(await ask(...failure)).toMatchObject({ code: 0 });
      await watching.prints('stdout', /circuit\.opened\.v1.*\n/);
      const state = await ask('state', 'coder', 'planner', ...redis, '--json');
      expect(JSON.parse(state.stdout)).toMatchObject({ circuit_state: 'OPEN', beta: expect.closeTo(3, 3) });

      const ended = await ask('terminate', 'planner', 'coder', '--reason', 'it loops', ...broker);
      expect(ended).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^done: circuit event default\//),
      });
      await watching.prints('stdout', /circuit\.terminated\.v1.*it loops.*\n/);
      const again = await ask('terminate', 'planner', 'coder', ...broker);
      expect(again).toMatchObject({
        code: 0,
        stdout: 'nothing to change: the pair was terminated already\n',
      });
      expect((await ask('reset', 'planner', 'coder', ...broker)).stdout).toContain('done: circuit event');
      expect((await ask('circuits', ...redis)).stdout).toBe('every circuit is closed\n');
      expect(await processor.kill('SIGTERM')).toMatchObject({ code: 0 });
      expect(await watching.kill('SIGTERM')).toMatchObject({ code: 0 });
    }, 60_000);

    const figures = {
      'with recovery by time': { flags: [], opened: 465, closed: 28 + 437, open: 0 },
      'without recovery by time': { flags: ['--no-timed-recovery'], opened: 396, closed: 202, open: 194 },
    };

    it.skipIf(ratings === null).each(Object.entries(figures))(
      'comes to the figures of the Bitcoin OTC ratings %s',
      async (name, { flags, opened, closed, open }) => {
        const { process, watch, run: ask } = fleet(`otc-${name.replaceAll(' ', '-')}`);
        const watching = await watch();
        const sent = await ask('publish', ratings ?? '', ...columns, '--into-agent', 'market', ...broker);
        expect(sent).toMatchObject({ code: 0, stdout: '35592 accepted, 0 rejected\n' });
        // All of it waits when the processor comes: one that meets an empty log half way would take the clock's time for
        // the events', and every open circuit of years ago is due by then.
        await process(...flags);
        await watching.prints('stdout', new RegExp(`^(?:[^\\n]*\\n){${opened + closed}}`));
        const events = jsonLines<CircuitEvent>((await watching.kill('SIGTERM')).stdout);
        const count = (type: string) => events.filter((event) => event.type.includes(`.${type}.`)).length;
        expect({ opened: count('opened'), closed: count('closed') }).toEqual({ opened, closed });
        expect(new Set(events.map(({ data }) => data.pair_id)).size).toBe(312);
        expect(jsonLines((await ask('circuits', ...redis, '--json')).stdout)).toHaveLength(open);
      },
      60_000,
    );
  });
