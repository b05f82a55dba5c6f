import { describe, expect, it } from 'vitest';
import { checkClaim } from '../../../src/rlm/navigate/claim.js';
import { TurnBook } from '../../../src/rlm/navigate/turn-book.js';
import type { Verdict } from '../../../src/rlm/result.js';
import { talk, times } from '../transcripts.js';

const turns = [
  ...talk('planner: We have to move the price list.', 'coder: It has 412 rows.'),
  ...times(3, 'coder: I will now open the price list and check it.', 'planner: Go on with row {i}0{i}.'),
  ...talk(
    'coder: Rows of furniture are done.',
    'planner: Then shoes.',
    'coder: Shoes have two sizes missing.',
    'planner: Ask the shop in Bergen.',
    'coder: Bergen answered with a table.',
    'planner: Put it beside the order.',
  ),
];
const book = new TurnBook();
turns.forEach((turn, i) => {
  book.add({ ...turn, eventId: `e${i}` }, i < 8 ? 0 : 1);
});
const everything = (): boolean => true;

interface Claim {
  readonly verdict: Verdict;
  readonly turns: readonly number[];
}

function check(claim: Partial<Claim>, seen: (partition: number) => boolean = everything) {
  const { verdict, turns: named } = { verdict: 'repetition' as const, turns: [2, 4, 6], ...claim };
  const evidence = named.length === 0 ? [] : [{ handle: 'ctx://s/0000', turns: [...named] }];
  return checkClaim({ verdict, confidence: 0.9, summary: 'so', evidence }, book, seen);
}

describe('a claim of a model', () => {
  it('holds when the turns that it names are there, and the rules find a loop in them', () => {
    const finding = check({ turns: [6, 2, 4, 4] });
    expect(finding).toMatchObject({ kind: 'loop', verdict: 'repetition', supported: true });
    expect(finding.kind === 'loop' && finding.marks.map(({ turn, eventId }) => [turn, eventId])).toEqual([
      [2, 'e2'],
      [4, 'e4'],
      [6, 'e6'],
    ]);
  });

  it('holds without the rules, and says so', () => {
    expect(check({ verdict: 'agreement', turns: [8, 9, 10, 11, 12] })).toMatchObject({
      kind: 'loop',
      supported: false,
    });
  });

  it('is none of a loop when it says so', () => {
    expect(check({ verdict: 'none', turns: [] })).toEqual({ kind: 'none', confidence: 0.9, reason: 'so' });
  });

  it.each<[string, Partial<Claim>, string]>([
    ['turns that are not there', { turns: [2, 4, 400] }, 'turn 400 of 14, which is not there'],
    ['too few turns', { turns: [2, 4] }, 'repetition of 2 turns, and it takes 3'],
    ['no turns', { turns: [] }, 'of 0 turns'],
    ['a stall of a few turns', { verdict: 'stall', turns: [2, 3, 4, 5] }, 'and it takes 8'],
    ['a repetition of turns by different speakers', { turns: [2, 3, 5] }, 'no speaker has 3'],
    ['that it could not tell', { verdict: 'inconclusive' }, 'could not tell'],
  ])('is no finding when it names %s', (_, claim, why) => {
    expect(check(claim)).toMatchObject({ kind: 'failed', reason: expect.stringContaining(why) });
  });

  it('is no finding when it is about turns that were not looked at', () => {
    expect(check({ turns: [2, 4, 8] }, (partition) => partition === 0)).toMatchObject({
      kind: 'failed',
      reason: 'it names turn 8, which it has not looked at',
    });
  });

  it('of a ping-pong needs two who play', () => {
    expect(check({ verdict: 'ping_pong', turns: [1, 2, 4, 6, 8, 10] })).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('all by one speaker'),
    });
  });
});
