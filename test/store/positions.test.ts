import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Positions } from '../../src/store/positions.js';

const run = { seed: 65_536, numRuns: 2_000 };
const span = 24;
const position = fc.nat(span);

type Step = { readonly kind: 'add' | 'raiseFloor' | 'clone'; readonly at: number };

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'raiseFloor', 'clone'),
  at: position,
});

/** The same, told by listing every applied position. */
function play(steps: readonly Step[]): { readonly positions: Positions; readonly applied: Set<number> } {
  let positions = new Positions();
  const applied = new Set<number>();
  for (const { kind, at } of steps) {
    if (kind === 'add') {
      positions.add(at);
      applied.add(at);
    } else if (kind === 'raiseFloor') {
      positions.raiseFloor(at);
      for (let below = 0; below <= at; below++) applied.add(below);
    } else {
      positions = positions.clone();
    }
  }
  return { positions, applied };
}

describe('the positions of a source', () => {
  it('are those that were applied or lie at or below the floor, and no others', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { positions, applied } = play(steps);
        for (let at = 0; at <= span + 2; at++) expect([at, positions.has(at)]).toEqual([at, applied.has(at)]);
        expect(positions.highest).toBe(Math.max(0, ...applied));
      }),
      run,
    );
  });

  it('are kept as few as can be: sorted intervals that neither overlap nor touch', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const bounds = play(steps).positions.toBounds();
        expect(bounds.length % 2).toBe(0);
        for (let i = 0; i < bounds.length; i += 2) {
          expect(bounds[i]).toBeLessThanOrEqual(bounds[i + 1] as number);
          if (i > 0) expect(bounds[i]).toBeGreaterThan((bounds[i - 1] as number) + 1);
        }
      }),
      run,
    );
  });

  it('are the same when read back from their bounds', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), position, (steps, next) => {
        const { positions } = play(steps);
        const bounds = [...positions.toBounds()];
        const copy = new Positions(bounds);
        copy.add(next);
        expect(copy.has(next)).toBe(true);
        expect(positions.toBounds()).toEqual(bounds);
      }),
      run,
    );
  });

  it('take one interval when a source is read in order, whatever its first position', () => {
    const positions = new Positions();
    for (let at = 5_000; at < 6_000; at++) positions.add(at);
    expect(positions.toBounds()).toEqual([5_000, 5_999]);
  });

  it('count everything below a floor that is raised into the middle of what was applied', () => {
    const positions = new Positions([5, 10]);
    positions.raiseFloor(7);
    expect([0, 3, 4, 7, 10, 11].map((at) => positions.has(at))).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('count everything below a floor that ends right before what was applied', () => {
    const positions = new Positions([8, 10]);
    positions.raiseFloor(7);
    expect([0, 6, 7, 8, 10, 11].map((at) => positions.has(at))).toEqual([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
  });

  it('never lose anything by a floor lower than an earlier one', () => {
    const positions = new Positions();
    positions.raiseFloor(100);
    positions.raiseFloor(50);
    expect([positions.has(75), positions.has(101), positions.highest]).toEqual([true, false, 100]);
  });

  it('go beyond 32 bits', () => {
    const positions = new Positions();
    const far = 2 ** 52;
    positions.add(far);
    positions.add(far + 2);
    expect([positions.has(far), positions.has(far + 1), positions.highest]).toEqual([true, false, far + 2]);
  });

  it('are none at first', () => {
    const positions = new Positions();
    expect([positions.has(0), positions.highest, positions.toBounds().length]).toEqual([false, 0, 0]);
  });
});
