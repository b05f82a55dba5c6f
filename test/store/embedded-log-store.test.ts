import { describe, expect, it, onTestFinished } from 'vitest';
import { EmbeddedLogStore } from '../../src/store/embedded/log-store.js';
import { apply, at, kinds, start, success } from '../contract/store/given.js';
import { freshPaths } from '../helpers/folders.js';

const freshPath = freshPaths();

async function openAt(path: string): Promise<EmbeddedLogStore> {
  const store = await EmbeddedLogStore.open(path);
  onTestFinished(() => store.close());
  return store;
}

describe('an embedded store under the logs of a broker', () => {
  it('says of each log what was marked, one that has nothing yet included', async () => {
    const store = await openAt(freshPath());
    await apply(store, [success(start, at(5, 'topic/0'))]);
    store.mark([
      { source: 'topic/0', acknowledged: 4, readTo: start },
      { source: 'topic/1', acknowledged: 0, readTo: start + 1 },
    ]);
    expect(await store.marks()).toEqual([
      { source: 'topic/0', acknowledged: 4, readTo: start },
      { source: 'topic/1', acknowledged: 0, readTo: start + 1 },
    ]);
    store.mark([{ source: 'topic/0', acknowledged: 4, readTo: start + 9 }]);
    expect((await store.marks())[0]).toEqual({ source: 'topic/0', acknowledged: 4, readTo: start + 9 });
  });

  it('knows when it is opened again how far each log was applied, and no times of an earlier run', async () => {
    const path = freshPath();
    const first = await openAt(path);
    await apply(first, [success(start, at(5, 'topic/0')), success(start, at(2, 'topic/1'))]);
    // Positions that were refused are in no state; the mark alone knows of them.
    first.mark([{ source: 'topic/2', acknowledged: 7, readTo: start }]);
    await first.close();
    const second = await openAt(path);
    expect(await second.marks()).toEqual([
      { source: 'topic/0', acknowledged: 5 },
      { source: 'topic/1', acknowledged: 2 },
      { source: 'topic/2', acknowledged: 7 },
    ]);
    const again = [success(start, at(5, 'topic/0')), success(start, at(7, 'topic/2'))];
    expect(kinds(await apply(second, again))).toEqual(['repeat', 'repeat']);
  });
});
