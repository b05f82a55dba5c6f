import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type RankedPair, WorstPair } from '../../src/projections/worst-pair.js';
import { type AgentStanding, type AgentState, agentStates } from '../../src/trust/agent-state.js';
import { circuitStates } from '../../src/trust/circuit.js';

const pair = (state: AgentState, trustScore: number): RankedPair => ({ state, trustScore, outdated: false });

const standings = fc.record({
  state: fc.constantFrom(...circuitStates).map((state) => agentStates[state]),
  trustScore: fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8),
});

/** A pair is added, one of those that hold is outdated, or the worst is asked for. */
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ add: standings }) },
    { weight: 3, arbitrary: fc.record({ outdate: fc.nat() }) },
    { weight: 1, arbitrary: fc.constant('ask' as const) },
  ),
  { maxLength: 300, size: 'max' },
);

/** The plain walk. */
function worstBy(holding: readonly RankedPair[]): AgentStanding | null {
  let worst: RankedPair | null = null;
  for (const one of holding) if (worst === null || isWorse(one, worst)) worst = one;
  return worst === null ? null : { state: worst.state, trustScore: worst.trustScore };
}

const isWorse = (one: AgentStanding, other: AgentStanding): boolean =>
  one.state > other.state || (one.state === other.state && one.trustScore < other.trustScore);

it('finds what a walk over all pairs finds, and holds no more than two for each that ever held', () => {
  fc.assert(
    fc.property(standings, steps, (first, given) => {
      const begun = pair(first.state, first.trustScore);
      const worst = new WorstPair(begun);
      const holding = [begun];
      let most = 1;
      for (const step of given) {
        if (step === 'ask') {
          const found = worst.find();
          expect(found && { state: found.state, trustScore: found.trustScore }).toEqual(worstBy(holding));
          if (found !== null) expect(holding).toContain(found);
        } else if ('add' in step) {
          const added = pair(step.add.state, step.add.trustScore);
          worst.add(added);
          holding.push(added);
        } else {
          for (const one of holding.splice(step.outdate % Math.max(1, holding.length), 1))
            one.outdated = true;
        }
        most = Math.max(most, holding.length);
        expect(worst.size).toBeLessThanOrEqual(Math.max(4, 2 * most));
      }
    }),
  );
});

it('holds little of a pair that moved a thousand times and was never asked for', () => {
  let last = pair(agentStates.OPEN, 0.5);
  const worst = new WorstPair(last);
  for (let moved = 1; moved <= 1_000; moved += 1) {
    last.outdated = true;
    last = pair(agentStates.OPEN, 0.5 + moved / 4_000);
    worst.add(last);
  }
  expect(worst.size).toBeLessThanOrEqual(4);
  expect(worst.find()).toBe(last);
});
