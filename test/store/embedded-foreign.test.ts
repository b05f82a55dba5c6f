import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { readMeta } from '../../src/store/embedded/data-file.js';
import { EmbeddedStore } from '../../src/store/embedded/store.js';
import { apply, collapse, kinds, outboxOf, readPair, start, success } from '../contract/store/given.js';
import { freshPaths } from '../helpers/folders.js';

const freshPath = freshPaths();

/** Makes a database and lets `fill` do what another program, or a newer version, would. */
async function withLmdb(path: string, fill: (root: RootDatabase) => void): Promise<void> {
  const root = open({ path, noSubdir: false, maxDbs: 16, overlappingSync: false });
  fill(root);
  await root.close();
}

/** A data folder with as many pairs as asked for, closed. */
async function dataFolder(pairs: number): Promise<string> {
  const path = freshPath();
  const store = await EmbeddedStore.open(path);
  await apply(store, manyCollapses(pairs));
  await store.close();
  return path;
}

const manyCollapses = (pairs: number) =>
  Array.from({ length: pairs }, (_, i) => collapse(start, { agentA: `agent-${i}` }));

/** What is in a folder, but for the lock file, which every look at an LMDB database writes. */
function contentOf(path: string): Record<string, string> {
  const names = readdirSync(path).filter((name) => name !== 'lock.mdb');
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(path, name)))
        .digest('hex'),
    ]),
  );
}

/** Expects that opening is refused with an answer that says what to do, and that nothing was touched. */
async function expectRefusal(path: string, message: RegExp): Promise<void> {
  const before = contentOf(path);
  await expect(EmbeddedStore.open(path)).rejects.toMatchObject({
    code: 'store_foreign',
    exitCode: 6,
    message: expect.stringMatching(message),
  });
  expect(contentOf(path)).toEqual(before);
}

describe('a folder that is not ours is refused and left as it is:', () => {
  it('one with some other file', async () => {
    const path = freshPath();
    mkdirSync(path);
    writeFileSync(join(path, 'notes.txt'), 'mine');
    await expectRefusal(path, /holds notes\.txt.* Name a new or an empty folder/);
  });

  it('one whose data file is no database', async () => {
    const path = freshPath();
    mkdirSync(path);
    writeFileSync(join(path, 'data.mdb'), 'mine'.repeat(5_000));
    await expectRefusal(path, /not an LMDB database.* Restore .* or name a new folder/);
  });

  it('the LMDB of another program, with tables', async () => {
    const path = freshPath();
    await withLmdb(path, (root) => root.openDB({ name: 'theirs' }).putSync('key', 'value'));
    await expectRefusal(path, /another program\. Name a new or an empty folder/);
  });

  it('the LMDB of another program, without tables', async () => {
    const path = freshPath();
    await withLmdb(path, (root) => root.putSync('key', 'value'));
    await expectRefusal(path, /another program\. Name a new or an empty folder/);
  });

  it('the LMDB of another program, whose table has the name of one of ours', async () => {
    const path = freshPath();
    await withLmdb(path, (root) => {
      root.openDB({ name: 'meta' }).putSync('layout', { of: 'theirs' });
      root.openDB({ name: 'theirs' }).putSync('key', 'value');
    });
    await expectRefusal(path, /./);
  });

  it('one of another layout', async () => {
    const path = await dataFolder(3);
    await withLmdb(path, (root) => root.openDB({ name: 'meta', encoding: 'json' }).putSync('layout', 2));
    await expectRefusal(path, /has layout 2, .* reads layout 1\. Use the version that made it, or rebuild/);
  });
});

describe('a data file that was cut short is refused and left as it is:', () => {
  it.each([
    ['a byte', (size: number) => size - 1],
    ['its second half', (size: number) => Math.floor(size / 2)],
    ['all but its two meta pages', () => 2 * 4_096],
    ['all but one meta page', () => 4_096],
    ['all but a hundred bytes', () => 100],
  ])('by %s', async (_, left) => {
    const path = await dataFolder(500);
    const file = join(path, 'data.mdb');
    truncateSync(file, left(statSync(file).size));
    await expectRefusal(path, /data\.mdb is .* Restore the whole folder from a backup, or name a new folder/);
  });

  it('unless nothing of it is missing, wherever the cut', async () => {
    const path = freshPath();
    const long = 'x'.repeat(400_000);
    const store = await EmbeddedStore.open(path);
    // Pages become free before the long value, so that it, and not a root, is the last thing in the file.
    await apply(store, manyCollapses(300));
    await store.outbox.remove(await outboxOf(store));
    for (let i = 0; i < 10; i++) await apply(store, [success(start)]);
    await apply(store, [success(start, { agentA: long })]);
    await store.close();
    const opened: number[] = [];
    for (let size = statSync(join(path, 'data.mdb')).size; size > 0; size -= 10_240) {
      const copy = freshPath();
      cpSync(path, copy, { recursive: true });
      truncateSync(join(copy, 'data.mdb'), size);
      const cut = await EmbeddedStore.open(copy).catch(() => null);
      if (cut === null) continue;
      opened.push(size);
      expect((await readPair(cut, long))?.agentA).toBe(long);
      expect((await readPair(cut))?.state?.interactionCount).toBe(10);
      await cut.close();
    }
    expect(opened).toContain(statSync(join(path, 'data.mdb')).size);
  });
});

describe('a folder of ours is opened', () => {
  it('when its first start was cut off before the first write', async () => {
    const path = freshPath();
    mkdirSync(path);
    writeFileSync(join(path, 'data.mdb'), '');
    await (await EmbeddedStore.open(path)).close();
  });

  it('when its first start was cut off before there was a data file', async () => {
    const path = freshPath();
    mkdirSync(path);
    writeFileSync(join(path, 'lock.mdb'), '');
    await (await EmbeddedStore.open(path)).close();
  });

  it('when its first start was cut off before the layout was written', async () => {
    const path = freshPath();
    await withLmdb(path, (root) => {
      root.openDB({ name: 'pairs', encoding: 'binary' });
      root.openDB({ name: 'recent-ids', encoding: 'string' });
    });
    await (await EmbeddedStore.open(path)).close();
    await (await EmbeddedStore.open(path)).close();
  });

  // LMDB does not write a page that one transaction took and gave back: after a long outbox was emptied the
  // file ends before the last page that it counts, and nothing is missing.
  it('when the last pages, which the file lacks, are free ones', async () => {
    const path = freshPath();
    const store = await EmbeddedStore.open(path);
    await apply(store, manyCollapses(3_000));
    await store.outbox.remove(await outboxOf(store));
    await store.close();
    expect(missingBytes(path)).toBeGreaterThan(0);

    const again = await EmbeddedStore.open(path);
    expect((await readPair(again, 'agent-2999'))?.state?.circuitState).toBe('OPEN');
    expect(kinds(await apply(again, [success(start)]))).toEqual(['applied']);
    await again.close();
  });
});

/** How much shorter the data file is than the pages that it counts. */
function missingBytes(path: string): number {
  const name = join(path, 'data.mdb');
  const file = openSync(name, 'r');
  const meta = readMeta(file);
  closeSync(file);
  return meta === null ? 0 : (meta.lastPage + 1) * meta.pageSize - statSync(name).size;
}
