import { type ExecFileOptions, execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const execute = promisify(execFile);
const repository = fileURLToPath(new URL('../../', import.meta.url));
const tool = (name: string): string => join(repository, 'node_modules/.bin', name);

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Runs a program; what it printed is in the error when it fails. */
async function run(program: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
  const { stdout } = await execute(program, [...args], { ...options, encoding: 'utf8' }).catch((error) => {
    throw new Error(`${program} ${args.join(' ')}:\n${error.stdout}${error.stderr}`, { cause: error });
  });
  return stdout;
}

/** An empty project that installed the package, as `npm pack` makes it of what is built. */
describe('the package', () => {
  let project: string;
  let tarball: string;
  let files: readonly string[];

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'fulcrum-trust-package-'));
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', project];
    const [packed] = JSON.parse(await run('npm', pack, { cwd: repository })) as Packed[];
    if (packed === undefined) throw new Error('npm pack packed nothing');
    tarball = join(project, packed.filename);
    files = packed.files.map(({ path }) => path);
    await writeFile(join(project, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball];
    await run('npm', install, { cwd: project });
  }, 180_000);

  afterAll(() => rm(project, { recursive: true, force: true }));

  /** Runs a program in the project; returns what it printed. */
  async function script(code: string, ...args: readonly string[]): Promise<string> {
    const printed = await run('node', [...args, '--input-type=module', '-e', code], { cwd: project });
    return printed.trim();
  }

  it('has what is built, its licence and its papers, and nothing else', () => {
    const others = files.filter(
      (path) => !/^dist\/.*\.(js|d\.ts|lua|json)$|^dist\/rlm\/prompts\/\w+\.md$/.test(path),
    );
    expect(others.sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'config/example.yaml',
      'package.json',
    ]);
    expect(files.filter((path) => /\.test\.|(^|\/)(test|tests|bench|chaos|simulation)\//.test(path))).toEqual(
      [],
    );
  });

  it('can be imported by every name that it exports', async () => {
    const manifest = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    const names = Object.keys(manifest.exports).filter((name) => name !== './langgraph');
    const schemas = files
      .filter((path) => path.startsWith('dist/schemas/'))
      .map((path) => path.replace('dist', '.'));
    expect(schemas.length).toBeGreaterThan(0);
    const paths = names.flatMap((name) => (name === './schemas/*' ? schemas : [name]));
    const specifiers = paths.map((path) => `fulcrum-trust${path.slice(1)}`);
    const code = `for (const name of ${JSON.stringify(specifiers)}) {
      const options = name.endsWith('.json') ? { with: { type: 'json' } } : {};
      if (Object.keys(await import(name, options)).length === 0) console.log(name + ' exports nothing');
    }`;
    expect(await script(code, '--no-warnings')).toBe('');
  });

  it('says what is missing where LangGraph is not installed', async () => {
    const code = `import('fulcrum-trust/langgraph').catch((error) => console.log(error.name, error.code, error.message))`;
    expect(await script(code)).toBe(
      'FulcrumError usage fulcrum-trust/langgraph needs @langchain/langgraph and @langchain/core, which are not ' +
        'both installed: npm install @langchain/langgraph @langchain/core',
    );
  });

  it('says what is missing where the tokenizer is not installed', async () => {
    const code = `const { tokenCounter } = await import('fulcrum-trust/rlm');
      await tokenCounter('o200k_base').catch((error) => console.log(error.name, error.code, error.message))`;
    expect(await script(code)).toBe(
      'FulcrumError usage the tokenizer o200k_base needs gpt-tokenizer, which is not installed: npm install gpt-tokenizer',
    );
  });

  it.each(['fulcrum-trust', 'fulcrum-trust/client', 'fulcrum-trust/rlm'])(
    'loads no client of a broker or of Redis with %s',
    async (name) => {
      await writeFile(
        join(project, 'log-loaded.mjs'),
        `import { writeSync } from 'node:fs';
         export async function load(url, context, next) { writeSync(1, url + '\\n'); return next(url, context); }`,
      );
      const code = `import { register } from 'node:module';
        register('./log-loaded.mjs', 'file://' + process.cwd() + '/');
        await import('${name}');`;
      const loaded = await script(code);
      expect(loaded).toContain('/fulcrum-trust/dist/');
      expect(loaded.split('\n').filter((url) => /node_modules\/(nats|kafkajs|ioredis)\//.test(url))).toEqual(
        [],
      );
    },
  );

  it('runs its command line', async () => {
    const help = await run(join(project, 'node_modules/.bin/fulcrum-trust'), ['--help']);
    expect(help).toContain('Usage: fulcrum-trust');
  });

  it.each([
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'esnext', moduleResolution: 'bundler' },
  ])('has types that resolve under $moduleResolution', async (resolution) => {
    const folder = join(project, resolution.moduleResolution);
    await mkdir(folder);
    await writeFile(join(folder, 'consumer.ts'), consumer);
    const compilerOptions = {
      ...resolution,
      target: 'es2023',
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      // What the user would have installed beside it.
      paths: { '@langchain/*': [join(repository, 'node_modules/@langchain/*')] },
    };
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['consumer.ts'] }),
    );
    await run(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', folder]);
  });

  it('is clean to attw and publint', async () => {
    await run(tool('attw'), ['--profile', 'esm-only', '--format', 'ascii', tarball]);
    await run(tool('publint'), ['--strict', tarball]);
  });
});

/** Uses a type of every entry, and fails to compile where one of them is `any`. */
const consumer = `
import { FileStore, TrustManager, TrustOutcome } from 'fulcrum-trust';
import { connectFleet, type Fleet } from 'fulcrum-trust/client';
import { TrustAwareGraph } from 'fulcrum-trust/langgraph';
import { PolicyBook } from 'fulcrum-trust/processor';
import { analyzeTranscript } from 'fulcrum-trust/rlm';

type IsAny<T> = 0 extends 1 & T ? true : false;
type Every = [
  IsAny<typeof connectFleet>,
  IsAny<typeof TrustAwareGraph>,
  IsAny<typeof PolicyBook>,
  IsAny<typeof analyzeTranscript>,
];
export const noneIsAny: Every = [false, false, false, false];

const trust = new TrustManager({ store: new FileStore('trust_state.json') });
const state = await trust.evaluate('planner', 'coder', TrustOutcome.SUCCESS);
export const score: number = state.trustScore;

export function report(fleet: Fleet): void {
  fleet.report('planner', 'coder', 'failure', { content: 'no answer' });
  // @ts-expect-error: no such outcome
  fleet.report('planner', 'coder', 'maybe');
}
`;
