import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWithServer } from '../servers/describe.js';
import { startKafka } from '../servers/kafka.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';
import { blocksOf, isReady, linksOf, projectOf, repository, runGroup, untilShell } from './written.js';

const run = promisify(execFile);
const page = join(repository, 'README.md');
const readme = await readFile(page, 'utf8');

/** The code blocks of one language, in order. */
function blocks(language: string): string[] {
  return blocksOf(readme)
    .filter((block) => block.language === language)
    .map(({ code }) => code);
}

describe('the README', () => {
  let project: string;
  let environment: NodeJS.ProcessEnv;

  beforeAll(async () => {
    ({ folder: project, environment } = await projectOf());
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
      // The next command comes when the first has started.
      untilShell(isReady(String(environment['FULCRUM_URL']))),
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
      'analyze',
      'watch',
      'publish',
      'state',
      'analyze',
      'terminate',
      'doctor',
    ]);
    const script = [
      'set -e',
      ...lines.slice(0, state),
      // The event has been applied when its pair is asked for.
      untilShell(lines[state] ?? ''),
      ...lines.slice(state),
    ].join('\n');
    const data = await mkdtemp(join(project, 'data-'));
    const env = { ...environment, FULCRUM_DATA_DIR: data };
    const stdout = await runGroup(script, { cwd: project, env });
    expect(stdout).toContain('state in Redis');
    expect(stdout).toContain('1 accepted, 0 rejected');
    expect(stdout).toMatch(/planner ↔ coder +CLOSED/);
    expect(stdout).toMatch(/^analysis-[0-9a-f]{32} +none .*\n.*in 1 turn\./m);
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
    const { links, broken } = linksOf(page);
    expect(links.length).toBeGreaterThan(0);
    expect(broken).toEqual([]);
  });
});
