import { expect, it } from 'vitest';
import type { LogSource, SharedStore, SourceStanding } from '../../src/ports.js';
import { progressMarks } from '../../src/processor/marking.js';
import { MemoryStore } from '../../src/store/memory.js';
import { workOn } from '../recovery/given.js';
import { start } from './given.js';

/** A reader that says that its log ends at 5, and a store in which 9 is marked. */
function marked(standing: readonly SourceStanding[]) {
  const source: LogSource = {
    name: 'log',
    system: 'test',
    headerPrefix: 'ce-',
    logs: () => ['log'],
    read: async () => null,
    progress: () => [{ source: 'log', acknowledged: 5, last: 5, next: null }],
    close: () => {},
  };
  const store = Object.assign(new MemoryStore({ clock: () => start }), {
    marks: async () => [{ source: 'log', acknowledged: 9 }],
    register: async () => {},
    adopt: async () => true,
  }) satisfies SharedStore;
  return progressMarks(workOn(store), {
    store,
    interactions: [source],
    commands: [],
    broker: {
      standing: async () => standing,
      follow: () => Promise.reject(new Error('nobody follows here')),
    },
    overtaken: () => {},
  });
}

it('a reader that others have overtaken is not taken for one of a log that was made anew', async () => {
  const marks = await marked([{ source: 'log', acknowledged: 9, delivered: 9, last: 12 }]);
  expect(marks).toMatchObject([{ source: 'log', acknowledged: 5 }]);
});

it('a log that the broker too says ends before what was marked is refused', async () => {
  const refused = { code: 'mismatch', message: expect.stringMatching(/ends at position 6, and 9 was/) };
  await expect(marked([{ source: 'log', acknowledged: 6, delivered: 6, last: 6 }])).rejects.toMatchObject(
    refused,
  );
});
