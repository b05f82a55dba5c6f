import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandLine, jsonLines, type Up } from '../helpers/cli.js';

const { fresh, run, up } = commandLine();

async function post(server: Up, events: readonly object[]): Promise<Response> {
  const body = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  const headers = { 'content-type': 'application/x-ndjson' };
  return fetch(new URL('/v1/interactions', server.url), { method: 'POST', headers, body });
}

async function state(server: Up, agentA: string, agentB: string): Promise<Record<string, unknown>> {
  const { stdout } = await run(['state', agentA, agentB, '--json', '--url', server.url]);
  return jsonLines(stdout)[0] ?? {};
}

/** Of a pair as `state --json` prints it. */
function policyVersion(pair: Record<string, unknown>): number {
  return (pair['policy'] as { version: number }).version;
}

const failure = { agent_a: 'a', agent_b: 'b', outcome: 'failure' };

describe('`up` and its data folder', () => {
  it('has it for itself: a second one ends with 6 and says what to do', async () => {
    const data = fresh();
    await up(data);
    for (const command of [
      ['up', '--port', '0'],
      ['replay', '-'],
    ]) {
      const { code, stdout, stderr } = await run([...command, '--data', data]);
      expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
      expect(stderr).toContain(`${data} is in use by another process`);
      expect(stderr).toContain('or stop it first');
    }
  });

  it('refuses a folder of somebody else with 6, and leaves it as it is', async () => {
    const data = fresh();
    mkdirSync(data);
    writeFileSync(join(data, 'holiday.jpg'), 'x');
    const { code, stderr } = await run(['up', '--port', '0', '--data', data]);
    expect(code).toBe(6);
    expect(stderr).toContain(`${data} is not a data folder of fulcrum-trust`);
    expect(stderr).toContain('Name a new or an empty folder');
  });

  it('remembers everything over a restart: state, open circuits, and that an id counted', async () => {
    const data = fresh();
    const first = await up(data);
    await post(first, [
      { ...failure, id: 'one' },
      { ...failure, id: 'two' },
    ]);
    const before = await state(first, 'a', 'b');
    expect((await first.kill('SIGTERM')).code).toBe(0);
    const second = await up(data);
    await post(second, [{ ...failure, id: 'two' }]);
    const after = await state(second, 'a', 'b');
    expect({ ...after, trust_score_now: 0 }).toEqual({ ...before, trust_score_now: 0 });
    const { stdout } = await run(['circuits', '--json', '--url', second.url]);
    expect(jsonLines(stdout)).toMatchObject([{ agent_b: 'b', circuit_state: 'OPEN' }]);
  });
});

describe('`up` that is told to stop', () => {
  it('ends with 0, and all that it answered with 202 is in the state', async () => {
    const data = fresh();
    const first = await up(data);
    let sent = 0;
    let accepted = 0;
    let stopping: ReturnType<Up['kill']> | null = null;
    const agents = [0, 1, 2, 3];
    await Promise.all(
      agents.map(async (agent) => {
        for (;;) {
          const batch = Array.from({ length: 50 }, () => ({ ...failure, agent_b: `b-${agent}` }));
          sent += batch.length;
          const response = await post(first, batch).catch(() => null);
          if (response?.status !== 202) return;
          accepted += batch.length;
          if (accepted > 2_000) stopping ??= first.kill('SIGTERM');
        }
      }),
    );
    const ended = await (stopping as unknown as ReturnType<Up['kill']>);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain('stopping: finishing what was taken');
    const second = await up(data);
    const states = await Promise.all(agents.map((agent) => state(second, 'a', `b-${agent}`)));
    const counted = states.reduce((sum, each) => sum + Number(each['interaction_count']), 0);
    expect(counted).toBeGreaterThanOrEqual(accepted);
    expect(counted).toBeLessThanOrEqual(sent);
  });

  it('ends streams of circuits instead of waiting for their readers', async () => {
    const server = await up(fresh());
    const stream = await fetch(new URL('/v1/circuits/stream', server.url));
    const read = stream.text();
    expect((await server.kill('SIGINT')).code).toBe(0);
    expect(await read).toContain('event: circuits');
  });
});

describe('policies of a running `up`', () => {
  const config = (threshold: number): string =>
    `policies: [{ name: strict, match: { agents: [a, b] }, trust: { threshold: ${threshold} } }]`;

  it('change with the config file: the next event is judged by the new ones, and nothing is before it', async () => {
    const file = `${fresh()}.yaml`;
    writeFileSync(file, config(0.1));
    const server = await up(fresh(), ['--config', file]);
    await post(server, [failure, failure]);
    const before = policyVersion(await state(server, 'a', 'b'));
    writeFileSync(file, config(0.4));
    await server.prints('stderr', /policies changed/);
    expect(await state(server, 'a', 'b')).toMatchObject({ circuit_state: 'CLOSED' });
    await post(server, [failure]);
    const judged = await state(server, 'a', 'b');
    expect(judged).toMatchObject({ circuit_state: 'OPEN', policy: { name: 'strict' } });
    expect(policyVersion(judged)).toBeGreaterThan(before);
  });

  it('stay as they are when the changed file is wrong, and it is said why', async () => {
    const file = `${fresh()}.yaml`;
    writeFileSync(file, config(0.4));
    const server = await up(fresh(), ['--config', file]);
    await post(server, [{ agent_a: 'a', agent_b: 'b', outcome: 'success' }]);
    const before = policyVersion(await state(server, 'a', 'b'));
    writeFileSync(file, config(4));
    await server.prints(
      'stderr',
      /policy strict: threshold must be in \(0, 1\).*got 4.*the old policies hold/,
    );
    await post(server, [failure, failure, failure]);
    const judged = await state(server, 'a', 'b');
    expect(judged).toMatchObject({ circuit_state: 'OPEN' });
    expect(policyVersion(judged)).toBe(before);
  });
});
