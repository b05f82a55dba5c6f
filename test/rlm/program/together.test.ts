import { describe, expect, it } from 'vitest';
import { Budget, type BudgetBounds } from '#dist/rlm/budget.js';
import { Context } from '#dist/rlm/context.js';
import { checkClaim } from '#dist/rlm/navigate/claim.js';
import { findingOf } from '#dist/rlm/navigate/rounds.js';
import { noTrace } from '#dist/rlm/navigate/trace.js';
import { TurnBook } from '#dist/rlm/navigate/turn-book.js';
import { NavigationHost } from '#dist/rlm/program/host.js';
import { runProgram } from '#dist/rlm/program/run.js';
import { limits, RecordingHost } from './running.js';

const turns = Array.from({ length: 20 }, (_, i) => ({
  speaker: 'ann',
  text: `again and again ${i}`,
  eventId: `e${i}`,
}));
const context = await Context.of('s', turns, { partitionTokens: 20 });
const book = new TurnBook();
for (const [i, turn] of turns.entries()) book.add(turn, i >> 2);

/** What the only program of a run comes to, and what it called. */
async function outcome(program: string, bounds: Partial<BudgetBounds> = {}) {
  const budget = new Budget(bounds);
  const navigation = new NavigationHost({ context, budget, model: null });
  const host = new RecordingHost((primitive, args) => navigation.call(primitive, args));
  const finding = await findingOf(
    'The transcript has 20 turns.',
    { rounds: 1, rootAnswerTokens: 500 },
    {
      askRoot: async () => `\`\`\`js\n${program}\n\`\`\``,
      nextHost: () => host,
      run: runProgram,
      programLimits: () => limits,
      check: (claim) => checkClaim(claim, book, () => true),
      trace: noTrace,
    },
  );
  return { finding, budget, called: host.calls.map(([primitive]) => primitive) };
}

const answer = `const [hit] = grep('again').hits;
  updateAnswer({ verdict: 'repetition', confidence: 0.9, summary: 'It is said. Again.',
    evidence: [{ handle: hit.handle, turns: [hit.turn, hit.turn + 1, hit.turn + 2] }] });`;

describe('a program over a transcript', () => {
  it('finds, with what the host knows of the turns that it names', async () => {
    const { finding } = await outcome(answer);
    expect(finding).toMatchObject({
      kind: 'loop',
      verdict: 'repetition',
      marks: [
        { partition: 0, eventId: 'e0', excerpt: 'again and again 0' },
        { partition: 0, eventId: 'e1' },
        { partition: 0, eventId: 'e2' },
      ],
    });
  });

  it.each([
    ['throws', `throw new Error('after all')`, /^its program failed: .*after all/],
    ['goes on for ever', `for (;;);`, /^its program was ended: it ran for more than/],
    ['asks for everything', `for (;;) handles()`, /budget_exhausted: the budget steps is 20 steps/],
  ])('that has answered and then %s has found nothing', async (_, rest, cause) => {
    const { finding, budget, called } = await outcome(`${answer} ${rest}`, { steps: 20 });
    expect(called.slice(0, 2)).toEqual(['grep', 'updateAnswer']);
    expect(finding).toEqual({ kind: 'failed', reason: expect.stringMatching(cause) });
    expect(budget.spent().steps).toBeLessThanOrEqual(20);
  });

  it('may catch that a budget is exhausted, and gets no more for it', async () => {
    const { finding, budget, called } = await outcome(
      `for (let i = 0; i < 250; i++) try { peek(handles()[0], 8) } catch {}
       updateAnswer({ verdict: 'none', confidence: 0.5, summary: 'It went on. No loop.' });`,
      { peekedBytes: 1_000, steps: 1_000 },
    );
    expect(called).toHaveLength(501);
    expect(finding.kind).toBe('none');
    expect(budget.spent().peekedBytes).toBeLessThanOrEqual(1_000);
  });
});
