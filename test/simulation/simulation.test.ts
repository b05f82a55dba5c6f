import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withoutOutside } from './poison.js';
import { replayOf } from './replay.js';
import { runSeed } from './run.js';

const seeds = 2_000;

describe('The simulation', () => {
  it(`finds nothing broken in ${seeds} seeds`, { timeout: 240_000 }, async () => {
    const begunMs = performance.now();
    const broken: string[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await withoutOutside(() => runSeed(seed));
      if (result.broken.length > 0) broken.push(replayOf(seed), ...result.broken);
      // The runner wants to hear of this process now and then.
      if (seed % 50 === 0) await nextTurn();
    }
    const seconds = ((performance.now() - begunMs) / 1_000).toFixed(1);
    process.stdout.write(`simulation: seeds 1 to ${seeds} in ${seconds} s\n`);
    expect(broken).toEqual([]);
  });

  it('tells the same story of a seed to the letter', async () => {
    const story = async (seed: number): Promise<string[]> => {
      const lines: string[] = [];
      await withoutOutside(() => runSeed(seed, { tell: (line) => lines.push(line) }));
      return lines;
    };
    for (const seed of [3, 20, 313]) {
      const lines = await story(seed);
      expect(lines.length).toBeGreaterThan(100);
      expect(await story(seed)).toEqual(lines);
      // Not from the turn of a promise.
      expect(await new Promise((resolve) => setImmediate(() => resolve(story(seed))))).toEqual(lines);
    }
    expect(await story(3)).not.toEqual(await story(4));
  });

  it('cannot ask the outside what time it is, nor for chance', async () => {
    const asking: readonly (() => unknown)[] = [
      () => Date.now(),
      () => new Date(),
      () => performance.now(),
      () => Math.random(),
      () => crypto.randomUUID(),
      () => setTimeout(() => {}, 0),
    ];
    for (const ask of asking) {
      await expect(withoutOutside(async () => ask())).rejects.toThrow('has to be the same every time');
      expect(ask).not.toThrow();
    }
  });
});
