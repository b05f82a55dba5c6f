import { expect, test } from 'vitest';
import { groupByPair } from '../../src/store/redis/grouping.js';
import { start, success } from '../contract/store/given.js';

const indexesOf = (...events: Parameters<typeof groupByPair>[0]): number[][][] =>
  groupByPair(events).map((call) => call.map(({ indexes }) => indexes));

test('events of one pair come together, in their order, whichever agent is named first', () => {
  const ab = success(start);
  const ba = success(start + 1, { agentA: 'b', agentB: 'a' });
  const cd = success(start, { agentA: 'c', agentB: 'd' });
  expect(indexesOf(ab, cd, ba, cd, ab)).toEqual([
    [
      [0, 2, 4],
      [1, 3],
    ],
  ]);
});

test('one pair of two tenants is two', () => {
  expect(indexesOf(success(start), success(start, { tenant: 'other' }))).toEqual([[[0], [1]]]);
});

test('where two claim one pair id, each change of hands opens a call', () => {
  const own = success(start);
  const other = success(start, { agentA: 'x', pairId: own.pairId });
  const cd = success(start, { agentA: 'c', agentB: 'd' });
  expect(indexesOf(own, cd, other, other, cd, own)).toEqual([[[0], [1]], [[2, 3], [4]], [[5]]]);
});

test('no events make no call', () => {
  expect(indexesOf()).toEqual([]);
});
