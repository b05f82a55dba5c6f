import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentBook } from '../../src/projections/agent-book.js';
import { agentStates } from '../../src/trust/agent-state.js';
import { circuitStates } from '../../src/trust/circuit.js';
import { circuitOf, type Move } from './given.js';

function bookOf(...moves: readonly Move[]): AgentBook {
  const book = new AgentBook();
  for (const move of moves) book.take(circuitOf(move));
  return book;
}

const names = ['a', 'b', 'c', 'd'] as const;

const named = {
  agents: fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)),
  to: fc.constantFrom(...circuitStates),
  score: fc.integer({ min: 0, max: 64 }).map((n) => n / 64),
  enforced: fc.boolean(),
};

/** A move that is the latest of its pair. */
const steps = fc.record(named);

/** Moves whose numbers differ within a pair, as transitions do. */
const moves = fc.uniqueArray(fc.record({ ...named, transition: fc.integer({ min: 1, max: 20 }) }), {
  maxLength: 30,
  selector: ({ agents, transition }) => `${[...agents].sort()} ${transition}`,
});

/** The contract, word for word: the pairs that hold now, those that count, the worst of them, its lowest score. */
function standingBy(given: readonly Move[], agent: string) {
  const holding = given.filter(
    (move) => !given.some((other) => isOfPair(move, other) && other.transition > move.transition),
  );
  return standingOver(holding, agent);
}

/** The same, of pairs as they are now. */
function standingOver(pairs: readonly Move[], agent: string) {
  const counted = pairs.filter(({ agents, enforced }) => enforced !== false && agents.includes(agent));
  if (counted.length === 0) return null;
  const state = Math.max(...counted.map(({ to }) => agentStates[to]));
  const scores = counted.filter(({ to }) => agentStates[to] === state).map(({ score = 0.25 }) => score);
  return { state, trustScore: Math.min(...scores) };
}

const isOfPair = (one: Move, other: Move): boolean =>
  [...one.agents].sort().join() === [...other.agents].sort().join();

describe('how agents stand', () => {
  it('is the worst of their pairs and the lowest score in it, in whatever order and how often events come', () => {
    fc.assert(
      fc.property(moves, fc.infiniteStream(fc.nat()), (given, numbers) => {
        const repeated = [...given, ...given.filter(() => (numbers.next().value as number) % 2 === 0)];
        const keyed = repeated.map((move) => ({ move, at: numbers.next().value as number }));
        const shuffled = keyed.sort((one, other) => one.at - other.at).map(({ move }) => move);
        const book = bookOf(...shuffled);
        for (const name of names) expect(book.standingOf(name)).toEqual(standingBy(given, name));
      }),
    );
  });

  it('is that of a walk over all of their pairs after every event', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 150, size: 'max' }), (given) => {
        const book = new AgentBook();
        const last = new Map<string, Move>();
        for (const [i, step] of given.entries()) {
          const move = { ...step, transition: i + 1 };
          book.take(circuitOf(move));
          last.set([...move.agents].sort().join(), move);
          const walked = [...last.values()];
          for (const name of names) expect(book.standingOf(name)).toEqual(standingOver(walked, name));
        }
        expect(book.pairCount).toBe(last.size);
      }),
    );
  });

  it('changes for those agents alone that an event names', () => {
    fc.assert(
      fc.property(moves, (given) => {
        const book = new AgentBook();
        for (const move of given) {
          const before = new Map(names.map((name) => [name, book.standingOf(name)]));
          const named: readonly string[] = book.take(circuitOf(move));
          for (const name of names)
            if (!named.includes(name)) expect(book.standingOf(name)).toEqual(before.get(name));
        }
      }),
    );
  });

  it('takes a late repeat for no news', () => {
    const opened: Move = { agents: ['a', 'b'], to: 'OPEN', transition: 1 };
    const closed: Move = { agents: ['a', 'b'], to: 'CLOSED', transition: 2, score: 0.5 };
    const book = bookOf(opened, closed);
    expect(book.take(circuitOf(opened))).toEqual([]);
    expect(book.standingOf('a')).toEqual({ state: 0, trustScore: 0.5 });
  });

  it('counts a pair that was reset as its event says: closed, or terminated when a later terminate holds', () => {
    const reset = { agents: ['a', 'b'], type: 'reset', score: 0.5 } as const;
    const opened: Move = { agents: ['a', 'b'], to: 'OPEN', transition: 1 };
    expect(bookOf(opened, { ...reset, to: 'CLOSED', transition: 2 }).standingOf('a')?.state).toBe(0);
    expect(bookOf(opened, { ...reset, to: 'TERMINATED', transition: 2 }).standingOf('a')?.state).toBe(3);
  });

  it('names an agent once that is paired with itself', () => {
    const book = new AgentBook();
    expect(book.take(circuitOf({ agents: ['a', 'a'], to: 'OPEN', transition: 1 }))).toEqual(['a']);
    expect(book.standingOf('a')).toEqual({ state: 2, trustScore: 0.25 });
  });
});

describe('a pair in shadow mode', () => {
  const shadow: Move = { agents: ['a', 'b'], to: 'OPEN', transition: 2, enforced: false };

  it('concerns nobody', () => {
    const book = new AgentBook();
    expect(book.take(circuitOf(shadow))).toEqual([]);
    expect(book.standingOf('a')).toBeNull();
    expect(book.releasedFrom('a')).toBeNull();
  });

  it('leaves what was said of an agent to be taken back, unless another of its pairs counts', () => {
    const book = bookOf({ agents: ['a', 'b'], to: 'TERMINATED', transition: 1 });
    book.take(circuitOf({ agents: ['b', 'c'], to: 'HALF_OPEN', transition: 1, score: 0.4 }));
    expect(book.take(circuitOf(shadow))).toEqual(['a', 'b']);
    expect(book.standingOf('b')).toEqual({ state: 1, trustScore: 0.4 });
    expect(book.releasedFrom('b')).toBeNull();
    const last = book.releasedFrom('a');
    expect(last).toEqual({ state: 3, trustScore: 0.25 });
    if (last !== null) book.settle('a', last);
    expect(book.releasedFrom('a')).toBeNull();
  });

  it('has nothing to be taken back once a pair counts again', () => {
    const book = bookOf({ agents: ['a', 'b'], to: 'OPEN', transition: 1 }, shadow);
    book.take(circuitOf({ agents: ['a', 'c'], to: 'CLOSED', transition: 1, score: 0.6 }));
    expect(book.releasedFrom('a')).toBeNull();
    expect(book.releasedFrom('b')).toEqual({ state: 2, trustScore: 0.25 });
  });
});
