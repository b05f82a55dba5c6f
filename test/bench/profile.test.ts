import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readProfile } from '../../bench/measure/profile.js';
import { freshPaths } from '../helpers/folders.js';

const fresh = freshPaths();

it('a profile gives each function its own time and that of what it calls, once, of the time not idle', () => {
  const frame = (functionName: string, lineNumber: number) => ({
    functionName,
    url: functionName.startsWith('(') ? '' : 'file:///any/where/dist/a.js',
    lineNumber,
  });
  const nodes = [
    { id: 1, callFrame: frame('(root)', -1), children: [2, 5] },
    { id: 2, callFrame: frame('outer', 0), children: [3] },
    { id: 3, callFrame: frame('inner', 9), children: [4] },
    // It calls itself by way of the other.
    { id: 4, callFrame: frame('outer', 0) },
    { id: 5, callFrame: frame('(idle)', -1) },
  ];
  const file = fresh();
  writeFileSync(file, JSON.stringify({ nodes, samples: [2, 3, 4, 5], timeDeltas: [10, 60, 30, 900] }));
  expect(readProfile(file)).toEqual([
    { where: 'inner dist/a.js:10', self: 0.6, total: 0.9 },
    { where: 'outer dist/a.js:1', self: 0.4, total: 1 },
  ]);
});
