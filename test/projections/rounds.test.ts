import fc from 'fast-check';
import { expect, it } from 'vitest';
import { agentsAtATime, Rounds } from '../../src/projections/rounds.js';

/** So many agents, and more when they come. */
function fleetOf(size: number) {
  const agents = new Set<string>();
  const grow = (by: number): void => {
    for (const until = agents.size + by; agents.size < until; ) agents.add(`agent-${agents.size}`);
  };
  grow(size);
  return {
    agents,
    grow,
    get agentCount() {
      return agents.size;
    },
  };
}

/** Few, or about as many as fill some parts. */
const sizes = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: -1, max: 1 }))
    .map(([parts, more]) => parts * agentsAtATime + more),
);

it('takes in every agent once a round, in parts of as many as are written at a time', () => {
  fc.assert(
    fc.property(sizes, (size) => {
      const rounds = new Rounds(fleetOf(size), 5_000);
      const parts = Math.max(1, Math.ceil(size / agentsAtATime));
      expect(rounds.pauseMs).toBeCloseTo(5_000 / parts);
      for (let round = 1; round <= 3; round += 1) {
        const seen = Array.from({ length: parts }, () => rounds.next());
        for (const part of seen) {
          expect(part.length).toBeLessThanOrEqual(agentsAtATime);
          expect(new Set(part).size).toBe(part.length);
        }
        expect(new Set(seen.flat()).size).toBe(size);
      }
    }),
    { numRuns: 30 },
  );
});

it('takes in those that join a round which is under way', () => {
  const fleet = fleetOf(0);
  const rounds = new Rounds(fleet, 5_000);
  expect(rounds.next()).toEqual([]);
  fleet.grow(agentsAtATime + 20);
  const first = rounds.next();
  fleet.grow(agentsAtATime - 40);
  expect(new Set([...first, ...rounds.next()])).toEqual(fleet.agents);
});
