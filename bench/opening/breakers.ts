/**
 * The rules of breakers in process, two of them cockatiel's, held to a log: while a circuit is open nothing is shown to its
 * breaker, and the first event after the cooldown decides, as its own policy does.
 */
import { CircuitState, ConsecutiveBreaker, CountBreaker, type IBreaker } from 'cockatiel';
import type { Judge, OpeningRule } from '#dist/compare/outages.js';
import { WindowBreaker } from './window-breaker.js';

export function breakerRules(cooldownSeconds: number): OpeningRule[] {
  const rule = (name: string, make: () => IBreaker): OpeningRule => ({
    name,
    judge: () => judgeOf(make(), cooldownSeconds),
  });
  return [
    rule('five in a row', () => new ConsecutiveBreaker(5)),
    rule('half of the last 20', () => new CountBreaker({ threshold: 0.5, size: 20 })),
    rule('half of the last six hours', () => new WindowBreaker(6 * 3_600_000, 0.5, 5)),
  ];
}

function judgeOf(breaker: IBreaker, cooldownSeconds: number): Judge {
  let openedAt: number | null = null;
  return ({ outcome, time }) => {
    const wasClosed = openedAt === null;
    if (openedAt !== null && time - openedAt < cooldownSeconds)
      return { wasClosed, opened: false, closedAt: null };
    const state = wasClosed ? CircuitState.Closed : CircuitState.HalfOpen;
    const opens = at(time, () => {
      if (outcome === 'failure') return breaker.failure(state) || !wasClosed;
      breaker.success(state);
      return false;
    });
    openedAt = opens ? time : null;
    return { wasClosed, opened: wasClosed && opens, closedAt: !wasClosed && !opens ? time : null };
  };
}

/** The windows of a breaker are of the clock: here it shows the log's time. */
function at<R>(time: number, work: () => R): R {
  const { now } = Date;
  Date.now = () => 1_000 * time;
  try {
    return work();
  } finally {
    Date.now = now;
  }
}
