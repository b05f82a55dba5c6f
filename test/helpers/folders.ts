import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Where a sync costs nothing, if the system has such a place. */
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Paths that nothing is at yet, one for each call. All are removed when the tests of the file are done. */
export function freshPaths(): () => string {
  const root = mkdtempSync(join(base, 'fulcrum-trust-test-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  let count = 0;
  return () => join(root, String(++count));
}
