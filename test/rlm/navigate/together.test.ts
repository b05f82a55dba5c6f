import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Conclusion, inconclusive } from '../../../src/rlm/combine.js';
import type { Finding } from '../../../src/rlm/navigate/claim.js';
import { mostAlone, mostDisputed, together } from '../../../src/rlm/navigate/together.js';
import { resultSchema } from '../../../src/rlm/result.js';

const looked = { session: 's', turns: 100 };
const noLoop: Conclusion = {
  verdict: 'none',
  confidence: 0.9,
  summary: 'No loop was found in 100 turns. Nothing was said again in a way that comes near one.',
  evidence: [],
  would_close: true,
};
const loop: Conclusion = {
  verdict: 'gratitude',
  confidence: 0.8,
  summary: 'The agents thanked each other or took leave in 6 turns. It runs from turn 40 to turn 46 of 100.',
  evidence: [
    { handle: 'ctx://s/0000', turns: [40, 41, 43, 44, 45, 46], event_ids: [], excerpt: 'a: Thanks' },
  ],
  would_close: true,
};
const none: Finding = { kind: 'none', confidence: 0.8, reason: 'They get on.' };
const failed: Finding = { kind: 'failed', reason: 'http://127.0.0.1:1 is away' };

function claims(verdict: 'gratitude' | 'stall', from: number, supported = false): Finding {
  const marks = Array.from({ length: 8 }, (_, i) => ({
    turn: from + i,
    partition: 0,
    speaker: 'a',
    excerpt: 'Thanks',
    eventId: undefined,
  }));
  return { kind: 'loop', verdict, confidence: 0.9, reason: 'It "goes" on.\nAnd on.', marks, supported };
}

describe('rules and model together', () => {
  it('are surer of a loop that both find', () => {
    const both = together(loop, claims('gratitude', 42), looked);
    expect(both).toMatchObject({ verdict: 'gratitude', evidence: loop.evidence });
    expect(both.confidence).toBeGreaterThan(loop.confidence);
    expect(both.summary).toMatch(/of 100; the model agrees \("It 'goes' on\. And on\."\)\.$/);
  });

  it('keep the name that the rules have for it, and tell of the other', () => {
    const both = together(loop, claims('stall', 42), looked);
    expect(both.verdict).toBe('gratitude');
    expect(both.summary).toContain('the model finds stall there');
  });

  it('keep both of two loops, that of the rules first', () => {
    const both = together(loop, claims('stall', 90), looked);
    expect(both.evidence.map(({ turns }) => turns[0])).toEqual([40, 90]);
    expect(both).toMatchObject({ verdict: 'gratitude', would_close: false });
  });

  it('do not let the model talk a loop away, and doubt it', () => {
    const both = together(loop, none, looked);
    expect(both).toMatchObject({ verdict: 'gratitude', confidence: mostDisputed, evidence: loop.evidence });
    expect(both.summary).toContain('the model does not take it for a loop ("They get on.")');
  });

  it('believe a loop that only the model sees less, unless the rules find one in its turns', () => {
    expect(together(noLoop, claims('stall', 42), looked)).toMatchObject({
      verdict: 'stall',
      confidence: mostAlone,
      evidence: [{ turns: [42, 43, 44, 45, 46, 47, 48, 49] }],
      would_close: true,
    });
    expect(together(noLoop, claims('stall', 42, true), looked).confidence).toBe(0.9);
    expect(together(noLoop, claims('stall', 90), looked).would_close).toBe(false);
  });

  it('find none when neither does', () => {
    expect(together(noLoop, none, looked)).toMatchObject({
      verdict: 'none',
      confidence: 0.9,
      would_close: true,
    });
  });

  it.each([
    ['no loop', noLoop],
    ['gratitude from turn 40 to turn 46', loop],
  ])('are inconclusive when the model fails, and tell that the rules found %s', (found, rules) => {
    const both = together(rules, failed, looked);
    expect(both).toMatchObject({ verdict: 'inconclusive', confidence: 0, evidence: [], would_close: false });
    expect(both.summary).toContain('127.0.0.1:1 is away');
    expect(both.summary).toContain(`The rules alone found ${found}`);
  });

  it('have nothing to say where there was nothing to read', () => {
    const nothing = inconclusive('The transcript has no words. There is nothing to tell a loop by.');
    expect(together(nothing, none, looked)).toBe(nothing);
  });

  it('make a result that its schema takes, whatever the model writes', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 2_000, unit: 'binary' }),
        fc.constantFrom(loop, noLoop),
        (reason, rules) => {
          for (const finding of [none, failed, claims('stall', 42), claims('stall', 90)]) {
            const conclusion = together(rules, { ...finding, reason }, looked);
            resultSchema.parse({ id: 'x', ...conclusion, tokens: 0, cost: 0, trace_id: null });
            expect(conclusion.summary.isWellFormed()).toBe(true);
          }
        },
      ),
      { seed: 5, numRuns: 50 },
    );
  });
});
