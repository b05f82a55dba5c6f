import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { brokerOptions, openingOptions, redisOptions, transcriptsOptions } from '../../bench/flags.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/benchmarks.md');

/** The defaults by flag, as one table says them. */
function flagsOf(heading: string): Record<string, string> {
  const table = page.split(`### ${heading}\n`)[1]?.split('\n#')[0] ?? '';
  const rows = table.matchAll(/^\| `--([a-z-]+)` \| (.*?) \|/gm);
  return Object.fromEntries([...rows].map(([, flag, byDefault]) => [flag, byDefault?.replaceAll('`', '')]));
}

function defaultsOf(
  options: Readonly<Record<string, { readonly type: string; readonly default?: string | boolean }>>,
) {
  return Object.fromEntries(
    Object.entries(options).map(([flag, { default: value }]) => [flag, value ? String(value) : '']),
  );
}

describe('docs/benchmarks.md', () => {
  it('names every flag and no other, with its default', () => {
    expect(flagsOf('Flags of bench:redis')).toEqual(defaultsOf(redisOptions));
    expect(flagsOf('Flags of bench:opening')).toEqual(defaultsOf(openingOptions));
    expect(flagsOf('Flags of bench:transcripts')).toEqual(defaultsOf(transcriptsOptions));
    expect(flagsOf('Flags of bench:nats and bench:kafka')).toEqual(defaultsOf(brokerOptions));
  });

  it('names every benchmark that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const names = Object.keys(scripts).filter((name) => /^bench(?!:build)/.test(name));
    expect(names).toContain('bench');
    for (const name of names) expect(page).toContain(`\`npm run ${name}\``);
  });
});
