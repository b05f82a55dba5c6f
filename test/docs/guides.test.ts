import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWithServer } from '../servers/describe.js';
import { startKafka } from '../servers/kafka.js';
import { freePort } from '../servers/loopback.js';
import { startNats } from '../servers/nats.js';
import { startRedis } from '../servers/redis.js';
import { blocksOf, emptyProject, isReady, linksOf, repository, Terminal, untilShell } from './written.js';

const folder = join(repository, 'docs/guides');
const pageOf = (name: string) => readFileSync(join(folder, `${name}.md`), 'utf8');

const hasPython = spawnSync('python3', ['--version']).status === 0;

/** What stands in a guide for something that is elsewhere, or takes less time, in a test. */
type Places = Readonly<Record<string, string>>;

/**
 * Does what a guide says, from an empty project on: writes its files, runs its commands one block after another, and
 * expects of each what the guide shows. `…` stands for what is not always the same.
 *
 * @param check looks at more that the guide claims, while all that it started still runs
 */
async function follow(
  name: string,
  places: Places,
  check?: (terminal: Terminal) => Promise<void>,
): Promise<void> {
  const project = await emptyProject();
  const here: Places = { 'http://localhost:4747': project.url, ...places };
  const inPlace = (text: string): string =>
    Object.entries(here).reduce((placed, [written, place]) => placed.replaceAll(written, place), text);
  const blocks = blocksOf(inPlace(pageOf(name)));
  const terminal = new Terminal(project);
  try {
    for (const [i, { language, name: given, code }] of blocks.entries()) {
      if (language === 'sh') {
        if (code.startsWith('python3') && !hasPython) continue;
        const next = blocks[i + 1];
        const shown = next?.language === 'text' ? next.code.trimEnd().split('\n') : [];
        await terminal.run(patient(code, shown), shown);
      } else if (language !== 'text') await project.write(given ?? fileName(code), code);
    }
    await check?.(terminal);
  } finally {
    await terminal.end();
  }
}

/** The first line of a file in a guide is its name. */
function fileName(code: string): string {
  const name = /^(?:\/\/|#) (\S+\.\w+)\n/.exec(code)?.[1];
  if (name === undefined) throw new Error(`begins with no name of a file: ${code}`);
  return name;
}

/** A person types slowly: what was started has begun, and what is looked at has happened. */
function patient(script: string, shown: readonly string[]): string {
  return script
    .split('\n')
    .map((line) => {
      if (/fulcrum-trust (process|up) .*&$/.test(line)) {
        const port = /--port (\d+)/.exec(line)?.[1];
        const url = port === undefined ? '$FULCRUM_URL' : `http://127.0.0.1:${port}`;
        return `${line}\n${untilShell(isReady(url))}`;
      }
      const said = shown.find((one) => answers(line, one));
      if (said === undefined) return line;
      return `${untilShell(`${line} | grep -E '${Terminal.pattern(said).source}'`)}\n${line}`;
    })
    .join('\n');
}

/** Whether a shown line is what `state A B` or `circuits` prints first. */
function answers(command: string, shown: string): boolean {
  const [, a, b] = /fulcrum-trust state (\S+) (\S+)/.exec(command) ?? [];
  if (a !== undefined) return shown.startsWith(`${a} ↔ ${b}`);
  return command.includes('fulcrum-trust circuits') && /^[A-Z_]+ +\S+ ↔ /.test(shown);
}

describe('the guide for LangGraph', () => {
  it('does what it says', async () => {
    await follow('langgraph', {}, async (terminal) => {
      const graph = "import('./graph.mjs').then(({ graph }) => graph.compile().invoke({}))";
      await terminal.run(`node -e "${graph}.catch(({ name }) => console.log(name))"`, [
        'GraphRecursionError',
      ]);
      const classify =
        "classifier.classify({}, { verdict: 'rejected' }), classifier.classify({}, { text: 'a' })";
      const classifier = "import('./classifier.mjs').then(({ classifier }) =>";
      await terminal.run(`node -e "${classifier} console.log(${classify}))"`, ['failure success']);
      // The circuit is open: the writer is not called again.
      const count = 'fulcrum-trust state editor writer | grep interactions';
      await terminal.run(`before=$(${count})\nnode shared.mjs\n[ "$before" = "$(${count})" ]`, [
        'stopped by trust: true',
      ]);
    });
  }, 240_000);
});

describeWithServer('redis', 'the guide for Python', () => {
  const python = hasPython ? '' : ', but for its Python: there is no python3';
  it(`does what it says${python}`, async () => {
    const redis = await startRedis({ own: true });
    // The file was written a minute ago.
    const times = [...pageOf('python').matchAll(/"last_updated": ([\d.]+)/g)].map(([, time = '']) => time);
    const later = Date.now() / 1_000 - 60 - Math.max(...times.map(Number));
    const places = times.map((time) => [time, String(Number(time) + later)]);
    const here = { ...Object.fromEntries(places), 'redis://localhost:6379': redis.url };
    await follow('python', here, async (terminal) => {
      const search = 'fulcrum-trust state orchestrator search-agent';
      await terminal.run(`node to-events.mjs | fulcrum-trust publish -\n${search}`, [
        '5 accepted, 0 rejected',
        'alpha, beta 1.9971080539664332, 4.99565946361616',
        'interactions 2',
      ]);
    });
  }, 240_000);
});

describeWithServer(
  ['nats', 'redis'],
  'the guide for NATS',
  () => {
    it('does what it says', async () => {
      const [nats, redis] = await Promise.all([startNats({ own: true }), startRedis({ own: true })]);
      await follow('nats', {
        'nats://localhost:4222': nats.url,
        'redis://localhost:6379': redis.url,
        '--port 8080': `--port ${await freePort()}`,
      });
    }, 240_000);
  },
  { own: true },
);

describeWithServer(
  ['kafka', 'redis'],
  'the guide for Kafka',
  () => {
    it('does what it says', async () => {
      const [kafka, redis] = await Promise.all([startKafka({ own: true }), startRedis({ own: true })]);
      await follow('kafka', {
        'localhost:9092': kafka.brokers.join(','),
        'redis://localhost:6379': redis.url,
        '--port 8080': `--port ${await freePort()}`,
        // Longer than the planner of the guide runs and is looked at, on a machine that is busy too.
        'recoveryCooldownSeconds: 60': 'recoveryCooldownSeconds: 30',
      });
    }, 240_000);
  },
  { own: true },
);

describe('the guides', () => {
  const names = readdirSync(folder);

  it.each(names)('%s links to files and headings that exist', (name) => {
    const { links, broken } = linksOf(join(folder, name));
    expect(links.length).toBeGreaterThan(0);
    expect(broken).toEqual([]);
  });
});
