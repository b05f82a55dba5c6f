/** What a page of Markdown tells its reader to do, done: files, commands, and what they print. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { freePort } from '../servers/loopback.js';

export const repository = fileURLToPath(new URL('../../', import.meta.url));

export interface Block {
  readonly language: string;
  /** What stands behind the language: the name of a file that cannot say it itself. */
  readonly name: string | undefined;
  readonly code: string;
}

/** All code blocks of a page, in order. */
export function blocksOf(markdown: string): Block[] {
  const found = markdown.matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm);
  return [...found].map(([, language = '', name, code = '']) => ({ language, name, code }));
}

/** What a page links to beside the web, and which of that is not there: no file, or no such heading in it. */
export function linksOf(page: string): {
  readonly links: readonly string[];
  readonly broken: readonly string[];
} {
  const found = readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)]+)\)/g);
  const links = [...found].map(([, link = '']) => link);
  const leads = (link: string): boolean => {
    const [path = '', heading] = link.split('#');
    const file = path === '' ? page : resolve(dirname(page), path);
    return existsSync(file) && (heading === undefined || headingsOf(readFileSync(file, 'utf8')).has(heading));
  };
  return { links, broken: links.filter((link) => !leads(link)) };
}

/** Headings as links name them. */
function headingsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase());
  return new Set(headings.map((heading) => heading.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}

/** A user's project, removed when the tests of the file are done. */
export interface Project {
  readonly folder: string;
  /** With our command on the PATH, and a free port for what listens. */
  readonly environment: NodeJS.ProcessEnv;
  readonly url: string;
  write(name: string, text: string): Promise<void>;
  run(script: string): Promise<string>;
}

/** A project that has installed nothing yet: `npm install` gives it what is installed here, and nothing else. */
export async function emptyProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'fulcrum-trust-reader-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
  const programs = join(folder, 'programs');
  await mkdir(programs);
  await program(join(programs, 'npm'), install);
  const local = join(folder, 'node_modules/.bin');
  await mkdir(local, { recursive: true });
  const port = String(await freePort());
  const url = `http://127.0.0.1:${port}`;
  const environment = {
    ...process.env,
    PATH: `${programs}:${local}:${process.env['PATH'] ?? ''}`,
    FULCRUM_HTTP_PORT: port,
    FULCRUM_URL: url,
  };
  return {
    folder,
    environment,
    url,
    write: (name, text) => writeFile(join(folder, name), text),
    run: (script) => runGroup(script, { cwd: folder, env: environment }),
  };
}

/** A project that has installed the package. */
export async function projectOf(): Promise<Project> {
  const project = await emptyProject();
  await project.run('npm install fulcrum-trust');
  return project;
}

const install = `
[ "$1" = install ] || { echo "npm $1 is not for here" >&2; exit 1; }
shift
for name in "$@"; do
  mkdir -p "node_modules/$(dirname "$name")"
  if [ "$name" != fulcrum-trust ]; then
    [ -d "${join(repository, 'node_modules')}/$name" ] || { echo "there is no $name" >&2; exit 1; }
    ln -s "${join(repository, 'node_modules')}/$name" "node_modules/$name"
    continue
  fi
  ln -s "${repository}" node_modules/fulcrum-trust
  printf '#!/bin/sh\\nexec node "${join(repository, 'dist/cli.js')}" "$@"\\n' > node_modules/.bin/fulcrum-trust
  chmod 755 node_modules/.bin/fulcrum-trust
done
`;

async function program(path: string, script: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${script}`);
  await chmod(path, 0o755);
}

/** Runs a script to its end, then ends all that it left running, and returns what was printed. */
export async function runGroup(
  script: string,
  { cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string> {
  const bash = spawn('bash', ['-c', script], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  bash.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  bash.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const closed = new Promise((done) => bash.once('close', done));
  const code = await new Promise((done) => bash.once('exit', done));
  try {
    if (bash.pid !== undefined) process.kill(-bash.pid, 'SIGTERM');
  } catch {
    // Nothing of it is left.
  }
  await closed;
  expect(code, `${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

/** Shell that waits, as a person does who types slowly; not for ever: who ends a test the hard way leaves it behind. */
export function untilShell(command: string): string {
  return `for _ in $(seq 200); do { ${command}; } >/dev/null 2>&1 && break; sleep 0.2; done`;
}

/** Succeeds when what listens there can work. */
export function isReady(url: string): string {
  return `node -e "fetch('${url}/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"`;
}

/** How long a script may take, and how long what it started may take to print what is shown. */
const scriptMs = 120_000;
const printMs = 30_000;

/** A shell in a project that is typed into, one script after another; what was started in it goes on meanwhile. */
export class Terminal {
  private readonly shell: ChildProcessByStdio<Writable, Readable, Readable>;
  private printed = '';
  private complained = '';
  private heard = (): void => {};

  constructor({ folder, environment }: Project) {
    this.shell = spawn('bash', [], { cwd: folder, env: environment, detached: true, stdio: 'pipe' });
    this.shell.stdout.on('data', (chunk: Buffer) => {
      this.printed += chunk.toString();
      this.heard();
    });
    this.shell.stderr.on('data', (chunk: Buffer) => {
      this.complained += chunk.toString();
    });
  }

  /** What a shown line may be in fact: `…` is any text, and columns may be of another width. */
  static pattern(shown: string): RegExp {
    const parts = shown.trim().split('…');
    const literal = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/ +/g, ' +');
    return new RegExp(parts.map(literal).join('.*'));
  }

  /**
   * Runs a script to its end. Resolves when all lines of `shown` were printed, in that order, others between them; what
   * goes on in the background may print them a moment later.
   */
  async run(script: string, shown: readonly string[] = []): Promise<void> {
    this.printed = '';
    this.complained = '';
    this.shell.stdin.write(`(set -e\n${script}\n) </dev/null; echo "ended with $?"\n`);
    await this.until(() => /^ended with \d+$/m.test(this.printed), `the end of\n${script}`, scriptMs);
    expect(/^ended with (\d+)$/m.exec(this.printed)?.[1], this.all).toBe('0');
    await this.until(() => this.shows(shown), `what is shown:\n${shown.join('\n')}`, printMs);
  }

  /** Ends the shell and all that it left running. */
  async end(): Promise<void> {
    const closed = once(this.shell, 'close');
    if (this.shell.pid !== undefined) process.kill(-this.shell.pid, 'SIGTERM');
    await closed;
  }

  private shows(shown: readonly string[]): boolean {
    const lines = this.printed.split('\n');
    return shown.every((line) => {
      const at = lines.findIndex((one) => Terminal.pattern(line).test(one));
      lines.splice(0, at + 1);
      return at >= 0;
    });
  }

  private get all(): string {
    return `${this.printed}\n${this.complained}`;
  }

  private async until(check: () => boolean, what: string, withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`not within ${withinMs} ms: ${what}\nPrinted:\n${this.all}`)),
        withinMs,
      );
    });
    try {
      while (!check()) await Promise.race([new Promise<void>((resolve) => (this.heard = resolve)), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
