import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/errors.js';
import { deadLetterReasons } from '../../src/ports.js';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
const [codes = '', reasons = ''] = page.split('## Reasons of dead letters');

function firstColumn(table: string): string[] {
  return [...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name ?? '').sort();
}

describe('docs/errors.md', () => {
  it('names every error code and no other, with its exit code and meaning', () => {
    expect(firstColumn(codes)).toEqual(Object.keys(errorCodes).sort());
    for (const [code, { exitCode, meaning }] of Object.entries(errorCodes))
      expect(codes).toContain(`| \`${code}\` | ${exitCode} | ${meaning} |`);
  });

  it('names every reason of a dead letter and no other', () => {
    expect(firstColumn(reasons)).toEqual([...deadLetterReasons].sort());
  });
});
