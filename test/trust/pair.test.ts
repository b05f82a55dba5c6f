import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TrustValueError } from '../../src/trust/errors.js';
import { compareCodePoints, makePairId, pairKey } from '../../src/trust/pair.js';

const run = { seed: 1_904_071, numRuns: 2_000 };

/** Names in which everything that the key treats specially comes up often. */
const trickyName = fc.string({ unit: fc.constantFrom(':', '\\', 'a', 'b'), maxLength: 8 });
/** The ends of the ranges in which UTF-16 order and code-point order differ. */
const wideName = fc.string({
  unit: fc.constantFrom(
    'a',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{103ff}',
    '\u{10400}',
    '\u{10ffff}',
  ),
  maxLength: 5,
});
const anyName = fc.oneof(trickyName, wideName, fc.string({ unit: 'binary', maxLength: 12 }));

function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 16);
}

function allNames(alphabet: readonly string[], maxLength: number): string[] {
  const names = [''];
  for (let from = 0, length = 1; length <= maxLength; length++) {
    const until = names.length;
    for (; from < until; from++) for (const letter of alphabet) names.push(`${names[from]}${letter}`);
  }
  return names;
}

describe('the order of two names', () => {
  it('is that of code points: U+E000 to U+FFFF come before everything above U+FFFF', () => {
    expect(compareCodePoints('\ue000', '\u{10000}')).toBeLessThan(0);
    expect(compareCodePoints('\uffff', '\u{10ffff}')).toBeLessThan(0);
    expect(compareCodePoints('\u{10000}', '\ud7ff')).toBeGreaterThan(0);
    expect(compareCodePoints('x\u{1f600}', 'x\uff00')).toBeGreaterThan(0);
    expect(pairKey('\u{1f600}', '\uff00')).toBe('\uff00:\u{1f600}');
  });

  it('agrees with a comparison of lists of code points', () => {
    const naive = (a: string, b: string): number => {
      const [x, y] = [
        Array.from(a, (c) => c.codePointAt(0) ?? 0),
        Array.from(b, (c) => c.codePointAt(0) ?? 0),
      ];
      const i = x.findIndex((point, at) => point !== y[at]);
      if (i < 0) return x.length - y.length;
      return i < y.length ? (x[i] as number) - (y[i] as number) : 1;
    };
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(naive(a, b)));
      }),
      run,
    );
  });
});

describe('the key of a pair', () => {
  it('is both names joined as they are when neither holds a colon', () => {
    expect(pairKey('writer', 'editor')).toBe('editor:writer');
    expect(pairKey('a\\', 'b')).toBe('a\\:b');
    expect(pairKey('', '')).toBe(':');
  });

  it('escapes both names when either holds a colon, and sorts them before', () => {
    expect(pairKey('a:b', 'c')).toBe('a\\:b:c');
    expect(pairKey('a', 'b:c')).toBe('a:b\\:c');
    expect(pairKey('x\\', ':')).toBe('\\::x\\\\');
    // ':' sorts before ';', its escape '\:' after it.
    expect(pairKey(';', ':')).toBe('\\::;');
  });

  it('is another one for each of all pairs of short names of colons and backslashes', () => {
    const names = allNames([':', '\\', 'a'], 4);
    const keys = new Set<string>();
    for (const [i, a] of names.entries()) for (const b of names.slice(i)) keys.add(pairKey(a, b));
    expect(keys.size).toBe((names.length * (names.length + 1)) / 2);
  });

  it('is shared by two pairs only when they are the same two names', () => {
    fc.assert(
      fc.property(trickyName, trickyName, trickyName, trickyName, (a, b, c, d) => {
        const same = (a === c && b === d) || (a === d && b === c);
        expect(pairKey(a, b) === pairKey(c, d)).toBe(same);
      }),
      run,
    );
  });

  it('does not depend on the order of the names', () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        expect(pairKey(a, b)).toBe(pairKey(b, a));
        expect(makePairId(a, b)).toBe(makePairId(b, a));
      }),
      run,
    );
  });
});

describe('the id of a pair', () => {
  it('is the first 16 hex characters of the SHA-256 of its key, whatever the cache holds', () => {
    fc.assert(
      fc.property(anyName, anyName, (a, b) => {
        const id = sha256(pairKey(a, b));
        expect([makePairId(a, b), makePairId(a, b), makePairId(b, a)]).toEqual([id, id, id]);
      }),
      run,
    );
  });

  it('stays the same when the cache has forgotten it', () => {
    const probes = ['ab/c', 'a/bc', '/abc', 'a:b/c', 'a/b:c'].map(
      (text) => text.split('/') as [string, string],
    );
    const ask = (): string[] => probes.map(([a, b]) => makePairId(a, b));
    const first = ask();
    expect(new Set(first).size).toBe(probes.length);
    for (let i = 0; i < 70_000; i++) makePairId('somebody', `somebody-${i}`);
    expect(ask()).toEqual(first);
    expect(ask()).toEqual(probes.map(([a, b]) => sha256(pairKey(a, b))));
  });

  it('is given to names of any length, empty ones and one agent with itself', () => {
    const long = 'n'.repeat(100_000);
    expect(makePairId(long, 'b')).toBe(sha256(`b:${long}`));
    expect(makePairId('', '')).toBe(sha256(':'));
    expect(makePairId('solo', 'solo')).toBe(sha256('solo:solo'));
  });

  it('is refused to a name that is not well-formed Unicode, each time it is asked for', () => {
    for (const bad of ['\ud800', 'a\udc00b', '\udc00\ud800', `ok${'\udbff'}`])
      for (let again = 0; again < 2; again++) {
        expect(() => makePairId(bad, 'b')).toThrow(/agentA must be well-formed Unicode/);
        expect(() => makePairId('a', bad)).toThrow(/agentB must be well-formed Unicode/);
      }
  });

  it('is refused to what is not a string', () => {
    for (const bad of [undefined, null, 7, {}, ['a']])
      expect(() => makePairId('a', bad as unknown as string)).toThrow(TrustValueError);
  });
});
