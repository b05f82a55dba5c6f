import { describe, expect, it } from 'vitest';
import { type OpeningRule, RuleCounter } from '../../src/compare/outages.js';
import { policyRule } from '../../src/compare/policy-rule.js';
import { TrustConfig } from '../../src/trust/config.js';
import type { TrustOutcome } from '../../src/trust/outcome.js';

/** Opens at so many failures in a row, and closes at the next event that is none. */
function inARow(most: number): OpeningRule {
  return {
    name: `${most} in a row`,
    judge: () => {
      let failures = 0;
      let closed = true;
      return ({ outcome, time }) => {
        const wasClosed = closed;
        failures = outcome === 'failure' ? failures + 1 : 0;
        closed = outcome === 'failure' ? closed && failures < most : true;
        return { wasClosed, opened: wasClosed && !closed, closedAt: !wasClosed && closed ? time : null };
      };
    },
  };
}

/** `x` is a failure, `.` a success; one event every ten seconds. */
function figuresOf(rule: OpeningRule, logs: readonly string[], outageRun = 4) {
  const counter = new RuleCounter(rule, outageRun);
  logs.forEach((log, pair) => {
    [...log].forEach((mark, i) => {
      const outcome: TrustOutcome = mark === 'x' ? 'failure' : 'success';
      counter.event(`pair ${pair}`, { outcome, time: 10 * i, weight: 1 });
    });
  });
  return counter.figures();
}

describe('a rule of opening on a log', () => {
  it('is told by the outages that it finds, how soon, and by what it takes for one', () => {
    expect(figuresOf(inARow(2), ['..xx..xxxx..', '.xxxxx.x.'])).toEqual({
      rule: '2 in a row',
      openings: 3,
      outages: 2,
      closedBefore: 2,
      within5: 2,
      p95Failures: 2,
      missed: 0,
      falseOpenings: 1,
      goodEvents: 12,
      falsePer10000: 10_000 / 12,
      medianSecondsToClose: 10,
    });
  });

  it('has missed an outage that it did not open at, and is not asked about one that it was open before', () => {
    const missed = figuresOf(inARow(9), ['..xxxx..']);
    expect(missed).toMatchObject({ outages: 1, closedBefore: 1, missed: 1, p95Failures: null });
    expect(missed.medianSecondsToClose).toBeNull();
    const stuck = (): OpeningRule => ({
      name: 'open for ever',
      judge: () => () => ({ wasClosed: false, opened: false, closedAt: null }),
    });
    expect(figuresOf(stuck(), ['..xxxx..'])).toMatchObject({ outages: 1, closedBefore: 0, missed: 0 });
  });

  it('is judged on an outage that goes on to the end of the log', () => {
    expect(figuresOf(inARow(3), ['..xxxx'])).toMatchObject({ outages: 1, closedBefore: 1, within5: 1 });
  });

  it('waits for the close past the events that do not close', () => {
    const config = new TrustConfig({ opening: 'change', recoveryCooldownSeconds: 30 });
    const figures = figuresOf(policyRule('change', config, true), ['..xxxxxxx.........']);
    // Seven successes, and the last failure lies ten seconds before the first of them.
    expect(figures).toMatchObject({ openings: 1, falseOpenings: 0, medianSecondsToClose: 70 });
  });
});
