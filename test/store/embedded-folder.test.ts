import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EmbeddedStore } from '../../src/store/embedded/store.js';
import { apply, at, batch, collapse, kinds, readPair, start, story } from '../contract/store/given.js';
import { freshPaths } from '../helpers/folders.js';
import { holdStore } from '../helpers/other-process.js';

const freshPath = freshPaths();

const openAt = async (path: string): Promise<EmbeddedStore> => {
  const store = await EmbeddedStore.open(path);
  onTestFinished(() => store.close());
  return store;
};

const inUse = expect.objectContaining({
  code: 'store_in_use',
  message: expect.stringMatching(/in use by another process.*stop it/),
});

const work = batch([collapse(start, at(1))]);

/** Links that were made to reach the sockets of a folder whose path is too long for one. */
const linksTo = (path: string) =>
  readdirSync(tmpdir())
    .filter((name) => name.startsWith('ft-'))
    .filter((name) => readlinkSync(join(tmpdir(), name)) === path);

it('a data folder that is made can be looked into by its owner alone', async () => {
  const path = freshPath();
  await openAt(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

describe('a data folder belongs to one owner at a time:', () => {
  it('a second open in this process is refused, and the first goes on', async () => {
    const path = freshPath();
    const store = await openAt(path);
    await expect(EmbeddedStore.open(path)).rejects.toEqual(inUse);
    expect(kinds(await apply(store, [collapse(start)]))).toEqual(['applied']);
  });

  it('of many opens at once in this process one gets it', async () => {
    const path = freshPath();
    const opens = await Promise.allSettled([1, 2, 3, 4].map(() => openAt(path)));
    const refused = opens.flatMap((open) => (open.status === 'rejected' ? [open.reason] : []));
    expect(refused).toEqual([inUse, inUse, inUse]);
  });

  it('it can be opened again once it was closed', async () => {
    const path = freshPath();
    await (await openAt(path)).close();
    await (await openAt(path)).close();
  });

  it('another process is refused while this one has it', async () => {
    const path = freshPath();
    const store = await openAt(path);
    expect((await holdStore(path, work)).refused).toEqual(inUse);
    expect(await readPair(store)).toBeNull();
    await store.close();
    expect((await holdStore(path, work)).results).toMatchObject([{ kind: 'applied' }]);
  });

  it('this process is refused while another has it', async () => {
    const path = freshPath();
    const owner = await holdStore(path, work);
    expect(owner.results).toMatchObject([{ kind: 'applied' }]);
    await expect(EmbeddedStore.open(path)).rejects.toEqual(inUse);
    await owner.stop();
    expect(await story(await openAt(path))).toEqual(['a-b opened at 0']);
  });

  it('an owner that was killed has let go of it, and what it had applied is there', async () => {
    const path = freshPath();
    const owner = await holdStore(path, work);
    await owner.kill();
    expect(readdirSync(path)).toContainEqual(expect.stringMatching(/^owner-.*\.sock$/));
    const store = await openAt(path);
    expect((await readPair(store))?.state?.circuitState).toBe('OPEN');
    expect(kinds(await apply(store, work.events))).toEqual(['repeat']);
    await expect(EmbeddedStore.open(path)).rejects.toEqual(inUse);
  });

  it('one of many that come at once gets it, after its owner was killed', async () => {
    const path = freshPath();
    await (await holdStore(path, work)).kill();
    const starts = await Promise.all([1, 2, 3, 4].map(() => holdStore(path, work)));
    const kindOf = starts.map(({ refused, results }) => refused?.code ?? results?.[0]?.kind).sort();
    expect(kindOf).toEqual(['repeat', 'store_in_use', 'store_in_use', 'store_in_use']);
  });

  it('also where its path is longer than a socket takes', async () => {
    const path = join(freshPath(), 'x'.repeat(100), 'ö'.repeat(100));
    const store = await openAt(path);
    await apply(store, [collapse(start)]);
    await expect(EmbeddedStore.open(path)).rejects.toEqual(inUse);
    expect((await holdStore(path, work)).refused).toEqual(inUse);
    await store.close();
    const owner = await holdStore(path, work);
    expect(owner.results).toMatchObject([{ kind: 'applied' }]);
    await owner.kill();
    const again = await openAt(path);
    expect((await readPair(again))?.state?.interactionCount).toBe(2);
    expect(linksTo(path)).toEqual([]);
  });

  it('wherever the working directory and the spelling of its path', async () => {
    const path = freshPath();
    await openAt(path);
    await expect(EmbeddedStore.open(`${path}/../${path.split('/').at(-1)}/`)).rejects.toEqual(inUse);
  });
});
