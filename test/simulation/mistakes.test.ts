import { describe, expect, it } from 'vitest';
import { mistakes } from './mistakes.js';
import { withoutOutside } from './poison.js';
import { type Result, runSeed } from './run.js';

/** Each has to be caught within so many seeds. */
const mostSeeds = 300;

describe('A planted mistake is caught by the simulation:', () => {
  it.each(mistakes)('$name', { timeout: 60_000 }, async (mistake) => {
    let caught: Result | null = null;
    for (let seed = 1; seed <= mostSeeds && caught === null; seed++) {
      const result = await withoutOutside(() => runSeed(seed, { mistake }));
      if (result.broken.length > 0) caught = result;
    }
    process.stdout.write(`${mistake.name}: seed ${caught?.seed}: ${caught?.broken[0]}\n`);
    expect(caught).not.toBeNull();
  });
});
