import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshPaths } from '../helpers/folders.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../', import.meta.url));
const fresh = freshPaths();
const [pages, reflections] = [fresh(), fresh()];

interface Documented {
  readonly name: string;
  /** `reference`: documented in the module that it links to. */
  readonly variant: string;
  readonly comment?: Comment;
  readonly signatures?: readonly { readonly comment?: Comment }[];
}
interface Comment {
  readonly summary: readonly { readonly text: string }[];
}

/** The sources of all that the package exports as modules, by what they are imported as. */
const entryPoints = (() => {
  const { exports } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>;
  };
  return Object.entries(exports).flatMap(([name, target]) => {
    if (typeof target === 'string') return [];
    const source = target.types.replace('./dist/', 'src/').replace('.d.ts', '.ts');
    return [{ module: `fulcrum-trust${name.slice(1)}`, source }];
  });
})();

describe('the API reference', () => {
  let modules: Map<string, readonly Documented[]>;
  let exported: Map<string, string[]>;

  beforeAll(async () => {
    exported = exportsOf(entryPoints);
    // Its warnings are errors: an export without a comment, a link to nothing, a type that is not there.
    const options = ['--options', 'docs/typedoc.json', '--out', pages, '--json', reflections];
    await run('npx', ['typedoc', ...options], { cwd: repository });
    const { children } = JSON.parse(await readFile(reflections, 'utf8')) as {
      children: { name: string; children: Documented[] }[];
    };
    modules = new Map(children.map((module) => [module.name, module.children]));
  }, 300_000);

  it('has all that the package exports as modules', () => {
    expect([...modules.keys()].sort()).toEqual(entryPoints.map(({ module }) => module).sort());
  });

  describe.each(entryPoints)('of $module', ({ module }) => {
    it('has every export', () => {
      const names = new Set(modules.get(module)?.map(({ name }) => name));
      expect([...names].sort()).toEqual(exported.get(module));
    });

    it('says of each what it is', () => {
      const silent = modules.get(module)?.filter((child) => child.variant !== 'reference' && !isTold(child));
      expect(silent).toEqual([]);
    });
  });

  it.each([
    ['classes', 'fulcrum-trust.TrustManager', /raiseOnBreak/],
    ['functions', 'fulcrum-trust_client.connectFleet', /Throws/],
    ['interfaces', 'fulcrum-trust_client.FleetOptions', /in ms.*Default Value/],
    ['classes', 'fulcrum-trust_langgraph.TrustAwareGraph', /onCircuitBreak.*Calls back when/],
    ['classes', 'fulcrum-trust_processor.Processor', /Constructors/],
    ['classes', 'fulcrum-trust_rlm.Endpoint', /Throws/],
  ])('has a page in %s for %s, with units, defaults and errors', async (kind, name, text) => {
    const page = await readFile(join(pages, kind, `${name}.html`), 'utf8');
    expect(page.replace(/<[^>]*>|\s+/g, ' ')).toMatch(text);
  });

  it('begins with what is imported from where', async () => {
    const page = await readFile(join(pages, 'index.html'), 'utf8');
    for (const { module } of entryPoints) expect(page).toContain(`<code>${module}</code>`);
  });
});

function isTold({ comment, signatures = [] }: Documented): boolean {
  return [comment, ...signatures.map((signature) => signature.comment)].some(
    (told) => told?.summary.some(({ text }) => text.trim() !== '') === true,
  );
}

/** The names that each module exports, as the compiler sees them. */
function exportsOf(entries: typeof entryPoints): Map<string, string[]> {
  const { config } = ts.readConfigFile(join(repository, 'tsconfig.build.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, repository);
  const files = entries.map(({ source }) => join(repository, source));
  const program = ts.createProgram(files, { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  return new Map(
    entries.map(({ module, source }) => {
      const file = program.getSourceFile(join(repository, source));
      const symbol = file === undefined ? undefined : checker.getSymbolAtLocation(file);
      if (symbol === undefined) throw new Error(`${source} is no module`);
      return [
        module,
        checker
          .getExportsOfModule(symbol)
          .map(({ name }) => name)
          .sort(),
      ];
    }),
  );
}
