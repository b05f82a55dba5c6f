import { describe, expect, it } from 'vitest';
import { covers, overlaps, tenantOf, token } from '../../../src/streams/nats/subjects.js';

describe('subjects of NATS', () => {
  it.each([
    ['a.b', 'a.b', true],
    ['a.*', 'a.b', true],
    ['a.*', 'a.*', true],
    ['a.>', 'a.*.c', true],
    ['a.>', 'a.b.>', true],
    ['>', 'a.*', true],
    ['*.*', 'a.b', true],
    ['a.b', 'a.*', false],
    ['a.*', 'a.>', false],
    ['a.*', 'a.b.c', false],
    ['a.*.*', 'a.b', false],
    ['a.>', 'a', false],
    ['a.b', 'a.c', false],
  ])('%s covers %s: %s', (outer, inner, expected) => {
    expect(covers(outer, inner)).toBe(expected);
  });

  it.each([
    ['a.*', '*.b', true],
    ['a.>', 'a.b.c', true],
    ['a.>', '*.b', true],
    ['>', 'a', true],
    ['a.>', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.b', 'a.c', false],
    ['a.*.c', '*.b.d', false],
  ])('%s and %s overlap: %s', (a, b, expected) => {
    expect([overlaps(a, b), overlaps(b, a)]).toEqual([expected, expected]);
  });

  it('have tokens that hold any text', () => {
    expect(token('default')).toBe('default');
    expect(token('a.b c*>%')).toBe('a%2Eb%20c%2A%3E%25');
    expect(token('\u0000\u2003')).toBe('%00%E2%80%83');
    expect(token('')).toBe('%');
  });

  it('say the tenant', () => {
    expect(tenantOf('p.circuits.blue.k', 'p.circuits.')).toBe('blue');
    expect(tenantOf('p.interactions.blue', 'p.interactions.')).toBe('blue');
    expect(tenantOf('q.interactions.blue', 'p.interactions.')).toBe('');
  });
});
