import { describe, expect, it } from 'vitest';
import { loopKinds } from '../../bench/rlm/loops.js';
import { negatives } from '../../bench/rlm/negatives.js';
import { Random } from '../../bench/rlm/random.js';
import { referenceFixture } from '../../bench/rlm/reference.js';
import { background, countWords, loop, plant } from '../../bench/rlm/session.js';
import { World } from '../../bench/rlm/slots.js';
import { handleOf, Partitioner } from '../../src/rlm/context.js';
import { analysisOf } from './transcripts.js';

const around = [...background(7, 30_000)];

describe('the generator', () => {
  it('makes the same session of the same seed, and another of another', () => {
    expect([...background(7, 2_000)]).toEqual([...background(7, 2_000)]);
    expect([...background(7, 2_000)]).not.toEqual([...background(8, 2_000)]);
    expect(loop(3, loopKinds[0] as (typeof loopKinds)[0])).toEqual(
      loop(3, loopKinds[0] as (typeof loopKinds)[0]),
    );
  });

  it('makes as many tokens as it is asked for', () => {
    const tokens = around.reduce((sum, { text }) => sum + countWords(text), 0);
    expect(tokens).toBeGreaterThanOrEqual(30_000);
    expect(tokens).toBeLessThan(33_000);
  });
});

describe.each(loopKinds)('a planted loop: $name', (kind) => {
  it.each([0, 0.02, 0.5, 0.98, 1])('is found where it is, at %d of a long session', async (position) => {
    const { turns, firstTurn, lastTurn } = plant(around, loop(11, kind), position);
    const { verdict, evidence } = await analysisOf(turns);
    expect(kind.verdicts).toContain(verdict);
    const partitioner = new Partitioner('s', { tokenBudget: 1_000_000 });
    const handles = turns.map(({ text }) => handleOf('s', partitioner.place(text)));
    expect(handles.slice(firstTurn, lastTurn + 1)).toContain(evidence[0]?.handle);
    expect(evidence[0]?.turns.some((turn) => turn >= firstTurn && turn <= lastTurn)).toBe(true);
  });
});

describe('a session without a loop', () => {
  it.each([1, 2, 3, 4, 5])('is not taken for one (%d)', async (seed) => {
    expect((await analysisOf([...background(seed, 20_000)])).verdict).toBe('none');
  });

  it.each(Object.entries(negatives))('is not taken for one when it is nothing but %s', async (_, make) => {
    for (let seed = 1; seed <= 5; seed++)
      expect((await analysisOf([...make(new World(new Random(seed)))])).verdict).toBe('none');
  });
});

describe("the reference's fixture", () => {
  it('is a loop of thanks at any position, and none without them', async () => {
    for (const position of [0.02, 0.5, 0.98])
      expect((await analysisOf(referenceFixture(12_000, position))).verdict).toBe('gratitude');
    expect((await analysisOf(referenceFixture(12_000, null))).verdict).toBe('none');
  });
});
