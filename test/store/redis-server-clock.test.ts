import { describe, expect, it } from 'vitest';
import { offsetOf } from '../../src/store/redis/server-clock.js';

describe('the distance to the clock of Redis', () => {
  it.each([
    ['is that from the middle of the question', 1_000, 6_005, 1_010, 5_000],
    ['may be backwards', 1_000, 405, 1_010, -600],
    ['is whole', 1_000, 6_005.7, 1_010, 5_001],
    ['counts as none within the error of the question', 1_000, 1_008.9, 1_010, 0],
    ['counts as none within the width of a millisecond', 1_000, 1_000.9, 1_000, 0],
  ])('%s', (_, before, server, after, offset) => {
    expect(offsetOf(before, server, after)).toBe(offset);
  });
});
