import { writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CircuitEvent } from '../../src/events/schemas.js';
import { commandLine, type Ended, jsonLines, type StartedCommand, type Up } from '../helpers/cli.js';

const { fresh, run, start, up } = commandLine();

describe('a running `up`', () => {
  let server: Up;

  beforeAll(async () => {
    server = await up(fresh());
  });

  const client = (args: readonly string[], input?: string): Promise<Ended> =>
    run(args, { environment: { FULCRUM_URL: server.url }, ...(input === undefined ? {} : { input }) });
  const json = async (args: readonly string[]): Promise<Record<string, unknown>[]> =>
    jsonLines((await client([...args, '--json'])).stdout);

  function ndjson(agentB: string, count: number): string {
    const event = JSON.stringify({ agent_a: 'a', agent_b: agentB, outcome: 'failure' });
    return `${event}\n`.repeat(count);
  }

  it('takes one interaction of two agents', async () => {
    const { code, stdout } = await client(['publish', 'a', 'one', '--outcome', 'success', '--weight', '2']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1 accepted, 0 rejected\n' });
    expect(await json(['state', 'one', 'a'])).toMatchObject([
      { agent_a: 'a', agent_b: 'one', interaction_count: 1, alpha: 3, beta: 1, circuit_state: 'CLOSED' },
    ]);
  });

  it('takes interactions of a file, more than fit into one request', async () => {
    const file = fresh();
    const content = 'x'.repeat(100_000);
    const large = JSON.stringify({ agent_a: 'a', agent_b: 'file', outcome: 'success', content });
    writeFileSync(file, `${large}\n`.repeat(200) + ndjson('file', 1_100));
    expect(await json(['publish', file])).toEqual([{ accepted: 1_300, rejected: 0 }]);
    expect(await json(['state', 'a', 'file'])).toMatchObject([{ interaction_count: 1_300 }]);
  });

  it('takes interactions of standard input, and tells which it does not take', async () => {
    const lines = `${ndjson('stdin', 600)}{"agent_a": "a"}\n${ndjson('stdin', 1)}`;
    const { code, stdout, stderr } = await client(['publish', '-'], lines);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '601 accepted, 1 rejected\n' });
    expect(stderr).toBe('event 601: agent_b is required\n');
  });

  it('says what is wrong with one interaction', async () => {
    const { code, stderr } = await client(['publish', 'a', 'b', '--outcome', 'great']);
    expect(code).toBe(3);
    expect(stderr).toBe('event 1: outcome must be one of success, failure, partial\n');
  });

  it('shows what is known of a pair, and that nothing is', async () => {
    await client(['publish', '-'], ndjson('shown', 3));
    const { code, stdout } = await client(['state', 'a', 'shown']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^a ↔ shown {2}OPEN\n/);
    expect(stdout).toMatch(/^ {2}should stop +yes$/m);
    expect(stdout).toMatch(/^ {2}recovers at +\d{4}-\d\d-\d\dT/m);
    const unknown = await client(['state', 'a', 'nobody']);
    expect(unknown).toMatchObject({
      code: 1,
      stdout: 'nothing is known of a and nobody in tenant default\n',
    });
  });

  it('lists circuits that are not closed, of all tenants or of one', async () => {
    await client(['publish', '-'], ndjson('listed', 2));
    await client(['publish', 'a', 'listed', '--outcome', 'failure', '--weight', '9', '--tenant', 'blue']);
    const listed = (await json(['circuits'])).filter((circuit) => circuit['agent_b'] === 'listed');
    expect(listed.map((circuit) => circuit['tenant']).sort()).toEqual(['blue', 'default']);
    expect(await json(['circuits', '--tenant', 'blue'])).toMatchObject([
      { tenant: 'blue', agent_b: 'listed' },
    ]);
    const { stdout } = await client(['circuits', '--tenant', 'blue']);
    expect(stdout).toMatch(/^OPEN {3}a ↔ listed {2}blue +0\.\d{3} +1 {2}\d{4}-/m);
  });

  it('terminates a pair once, and resets it once', async () => {
    await client(['publish', 'a', 'stopped', '--outcome', 'success']);
    const terminate = ['terminate', 'stopped', 'a', '--reason', 'enough', '--actor', 'ann'];
    expect((await client(terminate)).stdout).toMatch(/^done: circuit event default\/[0-9a-f]{16}\/\d+\n$/);
    expect((await client(terminate)).stdout).toBe('nothing to change: the pair was terminated already\n');
    expect(await json(['state', 'a', 'stopped'])).toMatchObject([
      { circuit_state: 'TERMINATED', should_terminate: true },
    ]);
    const [answer] = await json(['reset', 'a', 'stopped', '--reason', 'again', '--actor', 'bob']);
    expect(answer).toMatchObject({
      changed: true,
      events: [{ data: { to: 'CLOSED', cause: { kind: 'operator', actor: 'bob', reason: 'again' } } }],
    });
    expect((await client(['reset', 'a', 'stopped'])).stdout).toBe(
      'nothing to change: nothing was known of the pair\n',
    );
    expect(await json(['state', 'a', 'stopped'])).toEqual([null]);
  });

  describe('is watched', () => {
    const watch = (args: readonly string[] = []): StartedCommand =>
      start(['watch', '--url', server.url, ...args]);

    it('from the circuits as they stand to every change that comes', async () => {
      await client(['publish', '-'], ndjson('stands', 2));
      const watching = watch();
      await watching.prints('stdout', /OPEN +a ↔ stands {2}as it stands\n/);
      await client(['publish', '-'], ndjson('changes', 2));
      const line = await watching.prints('stdout', /.*OPEN +a ↔ changes .*\n/);
      expect(line).toMatch(/score 0\.250 after 2 interactions, after a failure\n$/);
      expect((await watching.kill('SIGTERM')).code).toBe(0);
    });

    it('as JSON lines, of one tenant', async () => {
      const watching = watch(['--json', '--tenant', 'green']);
      await watching.prints('stderr', /watching/);
      await client(['publish', '-'], ndjson('not-green', 2));
      await client(['publish', 'a', 'b', '--outcome', 'failure', '--weight', '9', '--tenant', 'green']);
      const event = JSON.parse(await watching.prints('stdout', /^.*\n/)) as CircuitEvent;
      expect(event).toMatchObject({
        type: 'fulcrum.trust.circuit.opened.v1',
        data: { tenant: 'green', from: 'CLOSED', to: 'OPEN' },
      });
      expect((await watching.kill('SIGINT')).code).toBe(0);
    });
  });
});

describe('without a server', () => {
  const nowhere = ['--url', 'http://127.0.0.1:1'];

  it.each([
    ['state', 'a', 'b'],
    ['circuits'],
    ['terminate', 'a', 'b'],
    ['publish', 'a', 'b', '--outcome', 'success'],
  ])('%s ends with 4 and says how to start one', async (...args) => {
    const { code, stdout, stderr } = await run([...args, ...nowhere]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(
      /^fulcrum-trust: no answer from http:\/\/127\.0\.0\.1:1 .*start it with `fulcrum-trust up`/,
    );
  });

  it('watch says so, and waits for one', async () => {
    const watching = start(['watch', ...nowhere]);
    await watching.prints('stderr', /no answer from .*start it with `fulcrum-trust up`.*; trying again\n/);
    expect((await watching.kill('SIGTERM')).code).toBe(0);
  });
});
