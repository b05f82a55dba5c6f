import { describe, expect, it } from 'vitest';
import { FulcrumError } from '../../src/errors.js';
import { Budget, BudgetExhausted, defaultBounds } from '../../src/rlm/budget.js';

function refusal(attempt: () => unknown): BudgetExhausted {
  try {
    attempt();
  } catch (error) {
    if (error instanceof BudgetExhausted) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a budget', () => {
  it('names the budget, its bound, what is left and what was asked when a call would go over it', () => {
    const budget = new Budget({ tokens: 100 });
    budget.reserve({ tokens: 70 }).settle({ tokens: 60 });
    const error = refusal(() => budget.reserve({ tokens: 41 }));
    expect([error.code, error.budget, error.bound, error.asked, error.left]).toEqual([
      'budget_exhausted',
      'tokens',
      100,
      41,
      40,
    ]);
    expect(error.message).toBe('the budget tokens is 100 tokens, 40 are left, and 41 were asked for');
    budget.reserve({ tokens: 40 });
  });

  it('gives back what was reserved and not used, once', () => {
    const budget = new Budget({ cost: 1, modelCalls: 2 });
    const first = budget.reserve({ cost: 0.9, modelCalls: 1 });
    expect(budget.left('cost')).toBeCloseTo(0.1);
    first.settle({ cost: 0.2, modelCalls: 1 });
    first.settle({ cost: 0.2, modelCalls: 1 });
    first.release();
    expect(budget.left('cost')).toBeCloseTo(0.8);
    const second = budget.reserve({ cost: 0.8, modelCalls: 1 });
    second.release();
    expect(budget.spent()).toMatchObject({ cost: 0.2, modelCalls: 1 });
  });

  it('reserves all that a call takes or nothing', () => {
    const budget = new Budget({ steps: 10, tokens: 10 });
    expect(refusal(() => budget.reserve({ steps: 1, tokens: 11 })).budget).toBe('tokens');
    expect(budget.left('steps')).toBe(10);
  });

  it('cannot be overdrawn by calls side by side', async () => {
    const budget = new Budget({ tokens: 1_000 });
    let most = 0;
    let now = 0;
    const call = async (): Promise<boolean> => {
      try {
        const reservation = budget.reserve({ tokens: 300 });
        now += 300;
        most = Math.max(most, now);
        await Promise.resolve();
        now -= 300;
        reservation.settle({ tokens: 300 });
        return true;
      } catch {
        return false;
      }
    };
    const made = await Promise.all(Array.from({ length: 50 }, call));
    expect(made.filter(Boolean)).toHaveLength(3);
    expect(most).toBe(900);
    expect(budget.spent().tokens).toBe(900);
  });

  it('counts what a call took beyond what it had reserved, so that the next is refused', () => {
    const budget = new Budget({ tokens: 100 });
    budget.reserve({ tokens: 50 }).settle({ tokens: 120 });
    expect(budget.left('tokens')).toBe(0);
    expect(refusal(() => budget.reserve({ tokens: 1 })).left).toBe(0);
    budget.reserve({ steps: 1 });
  });

  it('lets sums of dollars reach their bound, whatever floating point makes of them', () => {
    const budget = new Budget({ cost: 0.3 });
    for (let i = 0; i < 3; i++) budget.reserve({ cost: 0.1 }).settle({ cost: 0.1 });
    expect(refusal(() => budget.reserve({ cost: 0.1 })).budget).toBe('cost');
  });

  it('refuses every call once its wall time is over', () => {
    let now = 5_000;
    const budget = new Budget({ wallMs: 1_000 }, () => now);
    now += 999;
    budget.reserve({});
    expect(budget.left('wallMs')).toBe(1);
    now += 1;
    const error = refusal(() => budget.reserve({}));
    expect(error.message).toBe('the budget wallMs is 1000 ms, and 1000 ms have passed');
  });

  it('takes no bound and no amount that is no number of 0 or more', () => {
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => new Budget({ steps: wrong })).toThrow(FulcrumError);
      expect(() => new Budget().reserve({ tokens: wrong })).toThrow(/tokens .*: must be a number >= 0/);
    }
  });

  it('is 8,000 tokens of a model by default', () => {
    expect(new Budget().bounds).toEqual(defaultBounds);
    expect(defaultBounds.tokens).toBe(8_000);
  });
});
