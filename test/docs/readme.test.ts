import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithServer } from '../servers/describe.js';
import { startKafka } from '../servers/kafka.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../', import.meta.url));
const readme = await readFile(join(repository, 'README.md'), 'utf8');

/** The code blocks of one language, in order. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, code]) => code ?? '',
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Runs a script to its end, then ends all that it left running, and returns what was printed. */
async function runGroup(script: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<string> {
  const bash = spawn('bash', ['-c', script], {
    ...options,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  bash.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  const closed = new Promise((resolve) => bash.once('close', resolve));
  const code = await new Promise((resolve) => bash.once('exit', resolve));
  if (bash.pid !== undefined) process.kill(-bash.pid, 'SIGTERM');
  await closed;
  expect(code).toBe(0);
  return stdout;
}

describe('the README', () => {
  let project: string;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'fulcrum-trust-readme-'));
    await mkdir(join(project, 'node_modules/.bin'), { recursive: true });
    await symlink(repository, join(project, 'node_modules/fulcrum-trust'));
    const bin = join(project, 'node_modules/.bin/fulcrum-trust');
    await writeFile(bin, `#!/bin/sh\nexec node "${join(repository, 'dist/cli.js')}" "$@"\n`);
    await chmod(bin, 0o755);
    await writeFile(join(project, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
    const port = String(await freePort());
    environment = { ...process.env, FULCRUM_HTTP_PORT: port, FULCRUM_URL: `http://127.0.0.1:${port}` };
  });

  afterAll(async () => {
    await rm(project, { recursive: true, force: true });
  });

  it('has a library example that prints what its comment says', async () => {
    const [code = ''] = blocks('ts');
    const said = /\/\/ (.*)$/m.exec(code)?.[1];
    await writeFile(join(project, 'example.mjs'), code);
    const { stdout } = await run('node', ['example.mjs'], { cwd: project });
    expect(stdout.trim()).toBe(said);
  });

  it('has an example of an agent that works as it is written', async () => {
    const code = blocks('ts').find((block) => block.includes('fulcrum-trust/client')) ?? '';
    const { url, stop } = await startUp();
    await writeFile(
      join(project, 'agent.mjs'),
      code.replace("nats: 'nats://localhost:4222'", `http: '${url}'`),
    );
    await run('node', ['agent.mjs'], { cwd: project });
    const pair = await fetch(`${url}/v1/pairs?agent_a=planner&agent_b=coder`);
    expect(await pair.json()).toMatchObject({ interaction_count: 2, alpha: expect.closeTo(2, 3) });
    await stop();
  }, 30_000);

  /** Runs `up` in the project, and waits until it listens. */
  async function startUp(): Promise<{ readonly url: string; readonly stop: () => Promise<unknown> }> {
    const args = [
      join(repository, 'dist/cli.js'),
      'up',
      '--port',
      '0',
      '--json',
      '--data',
      join(project, 'agent'),
    ];
    const child = spawn('node', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString()) as { url: string };
    const ended = once(child, 'exit');
    return {
      url,
      stop: () => {
        child.kill();
        return ended;
      },
    };
  }

  it('has service commands that work as they are written', async () => {
    const service = blocks('sh').find((code) => code.includes('fulcrum-trust up')) ?? '';
    const lines = service.trim().split('\n');
    expect(lines[0]).toContain('fulcrum-trust up');
    const script = [
      'set -e',
      lines[0],
      // What a person does by typing slowly: the next command comes when the first has started.
      'until node -e "fetch(process.env.FULCRUM_URL + \'/readyz\').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"; do :; done',
      ...lines.slice(1),
    ].join('\n');
    const stdout = await runGroup(script, { cwd: project, env: environment });
    expect(stdout).toContain('1 accepted, 0 rejected');
    expect(stdout).toMatch(/planner ↔ coder +CLOSED/);
    expect(stdout).toContain('done: circuit event default/');
  }, 60_000);

  describeWithServer(
    ['redis', 'nats', 'kafka'],
    'has fleet commands that work as they are written,',
    () => {
      const written = blocks('sh').find((code) => code.includes('fulcrum-trust process')) ?? '';

      it('with NATS', async () => {
        const [nats, redis] = await Promise.all([startNats({ own: true }), startRedis({ own: true })]);
        await runFleet(
          written
            .replaceAll('nats://localhost:4222', nats.url)
            .replaceAll('redis://localhost:6379', redis.url),
        );
      }, 120_000);

      it('with Kafka, by the flags that it names', async () => {
        const flags = /With Kafka it is `(--source kafka) (--kafka) localhost:9092`/.exec(readme);
        const [, source = '', kafka = ''] = flags ?? [];
        const [broker, redis] = await Promise.all([startKafka({ own: true }), startRedis({ own: true })]);
        await runFleet(
          written
            .replaceAll('--source nats', source)
            .replaceAll('--nats nats://localhost:4222', `${kafka} ${broker.brokers.join(',')}`)
            .replaceAll('redis://localhost:6379', redis.url),
        );
      }, 120_000);
    },
    { own: true },
  );

  /** Runs the commands of the fleet's block, and looks at what they print. */
  async function runFleet(block: string): Promise<void> {
    const lines = block.trim().split('\n');
    const state = lines.findIndex((line) => line.includes(' state '));
    expect(lines.map((line) => line.split(' ')[1])).toEqual([
      'process',
      'watch',
      'publish',
      'state',
      'terminate',
      'doctor',
    ]);
    const script = [
      'set -e',
      ...lines.slice(0, state),
      // What a person does by typing slowly: the event has been applied when its pair is asked for.
      // Not for ever: who ends this test the hard way leaves the shell behind.
      `for _ in $(seq 200); do ${lines[state]} >/dev/null 2>&1 && break; sleep 0.2; done`,
      ...lines.slice(state),
    ].join('\n');
    const bin = join(project, 'node_modules/.bin');
    const env = { ...environment, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    const stdout = await runGroup(script, { cwd: project, env });
    expect(stdout).toContain('state in Redis');
    expect(stdout).toContain('1 accepted, 0 rejected');
    expect(stdout).toMatch(/planner ↔ coder +CLOSED/);
    expect(stdout).toContain('done: circuit event default/');
    expect(stdout).toMatch(/TERMINATED +planner ↔ coder .*it loops/);
    expect(stdout).toMatch(/^ok +redis/m);
  }

  it('has replay commands and example events that are taken', async () => {
    const event = JSON.parse(blocks('json')[0] ?? '') as Record<string, unknown>;
    await writeFile(join(project, 'interactions.ndjson'), `${JSON.stringify(event)}\n`);
    await writeFile(join(project, 'ratings.csv'), 'a,b,5,1289241911.7\na,b,-1,1289241912\n');
    const replays = (blocks('sh').find((code) => code.includes('replay ')) ?? '').trim().split('\n');
    expect(replays).toHaveLength(2);
    for (const [i, line] of replays.entries()) {
      const { stdout } = await run('bash', ['-c', `${line} --json`], { cwd: project });
      expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
        events: i + 1,
        deadLetters: 0,
      });
    }
  }, 30_000);

  it('links to files that exist', async () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link]) => link ?? '');
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) await expect(run('ls', [join(repository, link)])).resolves.toBeDefined();
  });
});
