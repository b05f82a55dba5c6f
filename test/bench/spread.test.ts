import { expect, it } from 'vitest';
import { spreadOf } from '../../bench/measure/spread.js';

it('a spread is the median with the extremes, in whatever order the runs came', () => {
  expect(spreadOf([5, 1, 9])).toEqual({ median: 5, least: 1, most: 9 });
  expect(spreadOf([10, 2, 4, 8])).toEqual({ median: 6, least: 2, most: 10 });
  expect(() => spreadOf([])).toThrow('no runs');
});
