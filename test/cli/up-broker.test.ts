import { beforeAll, describe, expect, it } from 'vitest';
import { startBroker } from '../helpers/brokers.js';
import { commandLine } from '../helpers/cli.js';
import { fleetOn } from '../helpers/fleet.js';
import { getFrom, postTo } from '../helpers/http.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';
import { until } from '../servers/until.js';

const failure = { agent_a: 'a', agent_b: 'b', outcome: 'failure' };
const terminate = { agent_a: 'a', agent_b: 'b', action: 'terminate', reason: 'it loops' };
const pair = '/v1/pairs?agent_a=a&agent_b=b';

/** Resolves when the pair of `a` and `b` has so many interactions. */
const countOf = (url: string, count: number) =>
  until(`${count} interactions`, async () => {
    const { body } = await getFrom(url, pair);
    return body['interaction_count'] === count && body;
  });

for (const source of ['nats', 'kafka'] as const)
  describeWithServer(['redis', source], `\`up\` on ${source}`, () => {
    const commands = commandLine();
    let broker: readonly string[] = [];
    let redis: readonly string[] = [];
    beforeAll(async () => {
      broker = [`--${source}`, (await startBroker(source)).address];
      redis = ['--redis', (await startRedis()).url];
    }, 60_000);

    const fleet = (name: string) => fleetOn(commands, { source, broker, redis }, name);

    /** Flags of where the state is. */
    const stores = {
      'in a folder': () => ['--data', commands.fresh()],
      'in Redis': () => [...redis],
    };

    describe.each(Object.entries(stores))('with the state %s', (where, flags) => {
      const name = where.replaceAll(' ', '-');

      it('takes events over HTTP and from the broker, and streams what circuits do', async () => {
        const { up, run, watch } = fleet(`events-${name}`);
        const { url } = await up(...flags());
        const stream = await fetch(new URL('/v1/circuits/stream', url));
        const watching = await watch();
        expect(await postTo(url, '/v1/interactions', [{ ...failure, agent_a: 1 }, failure])).toEqual({
          status: 202,
          body: { accepted: 1, rejected: [expect.objectContaining({ index: 0, field: 'agent_a' })] },
        });
        await countOf(url, 1);
        expect(await run('publish', 'a', 'b', '--outcome', 'failure', ...broker)).toMatchObject({ code: 0 });
        expect(await countOf(url, 2)).toMatchObject({ circuit_state: 'OPEN' });
        await watching.prints('stdout', /circuit\.opened\.v1.*\n/);
        expect((await getFrom(url, '/v1/circuits')).body).toMatchObject({ circuits: [{ agent_b: 'b' }] });
        expect(await readUntil(stream, /event: circuit\nid: default\/.*\n.*opened\.v1.*\n/)).toContain(
          'event: circuits',
        );
      }, 60_000);

      it('answers an operator with the circuit event, or that there was nothing to change', async () => {
        const { up, run } = fleet(`operator-${name}`);
        const { url } = await up(...flags());
        const changed = await postTo(url, '/v1/commands', terminate);
        expect(changed).toMatchObject({
          status: 200,
          body: { changed: true, events: [{ data: { to: 'TERMINATED', cause: { reason: 'it loops' } } }] },
        });
        expect(await postTo(url, '/v1/commands', terminate)).toEqual({
          status: 200,
          body: { changed: false, events: [] },
        });
        const reset = await run('reset', 'a', 'b', '--json', ...broker);
        expect(JSON.parse(reset.stdout)).toMatchObject({ applied: true, changed: true });
        expect((await getFrom(url, pair)).status).toBe(404);
      }, 60_000);
    });

    it('refuses at the door what is no event', async () => {
      const { up, run } = fleet('refuses');
      const { url } = await up('--data', commands.fresh());
      const bad = { ...failure, outcome: 'great' };
      expect(await postTo(url, '/v1/interactions', bad)).toMatchObject({
        status: 400,
        body: { errors: [{ index: 0, reason: 'invalid_event', field: 'outcome' }] },
      });
      expect(await postTo(url, '/v1/commands', { ...terminate, action: 'stop' })).toMatchObject({
        status: 400,
        body: { errors: [{ index: 0, field: 'action' }] },
      });
      expect(await run('terminate', 'a', 'x'.repeat(257), ...broker)).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('data.agent_b must have 1 to 256 characters'),
      });
    }, 60_000);

    it('takes a CloudEvent in binary mode, and one with an id once', async () => {
      const { up } = fleet('binary');
      const { url } = await up('--data', commands.fresh());
      const headers = {
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-type': 'fulcrum.trust.interaction.v1',
        'ce-source': 'tests',
        'ce-id': 'one',
      };
      for (const id of ['one', 'one', 'two'])
        expect(await postTo(url, '/v1/interactions', failure, { ...headers, 'ce-id': id })).toMatchObject({
          status: 202,
        });
      await postTo(url, '/v1/interactions', { ...failure, agent_b: 'other' });
      await until('all were applied', async () => {
        const { status } = await getFrom(url, '/v1/pairs?agent_a=a&agent_b=other');
        return status === 200;
      });
      await countOf(url, 2);
    }, 60_000);

    it('goes on with its folder after a restart, and refuses one that lacks what was acknowledged', async () => {
      const { up, run } = fleet('folder');
      const data = commands.fresh();
      const first = await up('--data', data);
      await postTo(first.url, '/v1/interactions', [failure, failure]);
      await countOf(first.url, 2);
      expect((await first.kill('SIGTERM')).code).toBe(0);
      await run('publish', 'a', 'b', '--outcome', 'success', ...broker);
      const second = await up('--data', data);
      await countOf(second.url, 3);
      await second.kill('SIGTERM');
      const other = ['up', '--port', '0', ...broker, '--data', commands.fresh()];
      expect(await run(...other)).toMatchObject({
        code: 6,
        stderr: expect.stringMatching(/holds nothing of .* though events of it were acknowledged/),
      });
      const fresh = await up('--data', commands.fresh(), '--fresh');
      expect((await getFrom(fresh.url, pair)).status).toBe(404);
    }, 60_000);

    it('counts each event once when it was killed, on a folder', async () => {
      const { up } = fleet('killed');
      const soon = ['--set', 'nats.ackWaitSeconds=2', '--set', 'kafka.sessionTimeoutMs=6000'];
      const flags = ['--data', commands.fresh(), ...soon];
      const first = await up(...flags);
      const batches = Array.from({ length: 40 }, (_, i) =>
        Array.from({ length: 50 }, (_, j) => ({ ...failure, id: `e-${i}-${j}` })),
      );
      const answers = await Promise.all(batches.map((batch) => postTo(first.url, '/v1/interactions', batch)));
      expect(answers.every(({ status }) => status === 202)).toBe(true);
      await first.kill('SIGKILL');
      const second = await up(...flags);
      await countOf(second.url, 2_000);
      await second.kill('SIGTERM');
      const third = await up(...flags);
      expect((await getFrom(third.url, pair)).body).toMatchObject({ interaction_count: 2_000 });
    }, 90_000);

    it('shares the work and the state in Redis with other processors, and streams what theirs do', async () => {
      const { up, process } = fleet('shared');
      const first = await up(...redis);
      const other = await up(...redis);
      await process();
      const stream = await fetch(new URL('/v1/circuits/stream', first.url));
      await postTo(other.url, '/v1/interactions', [failure, failure]);
      await countOf(first.url, 2);
      await readUntil(stream, /event: circuit\n.*\n.*opened\.v1.*\n/);
      expect((await first.kill('SIGTERM')).code).toBe(0);
      expect((await postTo(other.url, '/v1/commands', terminate)).body).toMatchObject({ changed: true });
    }, 60_000);

    it('and `up` on Redis alone do not work on one state', async () => {
      const { environment, process } = fleet('alone');
      const alone = commands.start(['up', '--port', '0', ...redis, '--json'], { environment });
      await alone.prints('stdout', /\n/);
      await expect(process()).rejects.toThrow(/`fulcrum-trust up` with --redis alone works on this state/);
      await alone.kill('SIGTERM');
      await process();
    }, 60_000);

    describe('terminate and reset, with --redis,', () => {
      it('learn from the state that nothing changed', async () => {
        const { process, run } = fleet('commands');
        await process();
        const flags = [...broker, ...redis];
        const reset = await run('reset', 'a', 'b', ...flags);
        expect(reset).toMatchObject({
          code: 0,
          stdout: 'nothing to change: nothing was known of the pair\n',
        });
        expect((await run('terminate', 'a', 'b', ...flags)).stdout).toMatch(/^done: circuit event default\//);
        expect((await run('terminate', 'a', 'b', ...flags)).stdout).toBe(
          'nothing to change: the pair was terminated already\n',
        );
        expect((await run('reset', 'a', 'b', ...flags)).stdout).toMatch(/^done: circuit event default\//);
      }, 60_000);

      it('say which broker is missing', async () => {
        expect(await fleet('commands').run('terminate', 'a', 'b', ...redis)).toMatchObject({
          code: 2,
          stderr: expect.stringContaining('name the broker too, with --nats or --kafka'),
        });
      });
    });

    it('terminate says so when no processor takes it, and one that comes later does', async () => {
      const { process, watch, run } = fleet('nobody');
      const watching = await watch();
      const sent = await run('terminate', 'a', 'b', '--json', ...broker);
      expect(sent).toMatchObject({
        code: 4,
        stdout: '{"applied":false,"changed":false,"events":[]}\n',
        stderr: expect.stringMatching(/no circuit event came within 10 s, and no processor is seen/),
      });
      await process();
      await watching.prints('stdout', /circuit\.terminated\.v1.*\n/);
    }, 60_000);
  });

/** Reads a stream until it holds this, then leaves it; returns all that came. */
async function readUntil(response: Response, pattern: RegExp): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    if (pattern.test(text)) return text;
  }
  throw new Error(`the stream ended before ${pattern}: ${text}`);
}
