import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keyTexts, writtenByOthers } from '../../src/projections/key-texts.js';
import { sixDecimals } from '../../src/trust/agent-state.js';

it('writes states as digits and scores with six decimals; only TERMINATED does not lapse', () => {
  expect(keyTexts('a', { state: 2, trustScore: 0.2 })).toEqual({
    agentId: 'a',
    state: '2',
    score: '0.200000',
    lapses: true,
  });
  expect(keyTexts('a', { state: 3, trustScore: 1 })).toMatchObject({ state: '3', lapses: false });
});

it('rounds ties to even, as %.6f does', () => {
  // printf '%.6f' 0.0078125 0.0234375 0.5 0.9921875
  expect([1, 3, 64, 127].map((n) => sixDecimals(n / 128))).toEqual([
    '0.007812',
    '0.023438',
    '0.500000',
    '0.992188',
  ]);
});

it('rounds every score to the nearest millionth', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (score) => {
      const text = sixDecimals(score);
      expect(text).toMatch(/^[01]\.\d{6}$/);
      expect(Math.abs(Number(text) - score)).toBeLessThanOrEqual(0.5e-6 + 1e-15);
    }),
  );
});

it('blames others for what is neither as it was left nor gone', () => {
  const left = new Map([['a', keyTexts('a', { state: 2, trustScore: 0.2 })]]);
  const found = (state: string | null, score: string | null, agentId = 'a') =>
    writtenByOthers([{ agentId, state, score }], left).length;
  expect(found('0', '0.900000')).toBe(1);
  expect(found('2', '0.900000')).toBe(1);
  expect(found('0', null)).toBe(1);
  expect(found('2', '0.200000')).toBe(0);
  expect(found(null, null)).toBe(0);
  expect(found('2', null)).toBe(0);
  expect(found('0', '0.900000', 'b')).toBe(0);
});
