import { describe, expect, it } from 'vitest';
import { type ChangeState, observe, unchanged, usualRate } from '../../src/trust/change.js';
import { TrustConfig, type TrustConfigOptions } from '../../src/trust/config.js';
import { TrustEvaluator } from '../../src/trust/evaluator.js';
import type { TrustOutcome } from '../../src/trust/outcome.js';
import type { Policy } from '../../src/trust/policy.js';
import { expirySeconds, type Pair, unknownPair } from '../../src/trust/record.js';
import type { TrustState } from '../../src/trust/state.js';
import { applyInteraction, type Interaction, recover } from '../../src/trust/step.js';
import type { Transition } from '../../src/trust/transition.js';

const names = { pairId: '0123456789abcdef', agentA: 'writer', agentB: 'editor' };
const knobs: TrustConfigOptions = { opening: 'change', recoveryCooldownSeconds: 60 };
const config = new TrustConfig(knobs);
const rules = { timedRecovery: true, nowMs: 1_000 };

function policyOf(options: TrustConfigOptions): Policy {
  return { name: 'p', version: 1, config: new TrustConfig(options), enforced: true };
}

const change = policyOf(knobs);
const mean = policyOf({ recoveryCooldownSeconds: 60 });
const leased = policyOf({ ...knobs, probes: 'leased' });

type Event = readonly [outcome: TrustOutcome, time: number, details?: Partial<Interaction>];

function play(
  events: readonly Event[],
  policy: Policy = change,
  from: Pair = unknownPair(names),
): { pair: Pair; state: TrustState; transitions: Transition[] } {
  let pair = from;
  const transitions: Transition[] = [];
  for (const [outcome, time, details] of events) {
    const step = applyInteraction(pair, { outcome, time, weight: 1, ...details }, 'e', policy, rules);
    pair = step.pair;
    transitions.push(...step.transitions);
  }
  return { pair, state: pair.state as TrustState, transitions };
}

const failures = (count: number, from = 0): Event[] =>
  Array.from({ length: count }, (_, i) => ['failure', from + i] as const);
const successes = (count: number, from = 0): Event[] =>
  Array.from({ length: count }, (_, i) => ['success', from + i] as const);

describe('what is learnt of a pair', () => {
  const see = (outcomes: readonly (readonly [TrustOutcome, number?])[], closed = true): ChangeState =>
    outcomes.reduce(
      (state, [outcome, weight = 1]) => observe(state, outcome, weight, closed, config),
      unchanged,
    );

  it('is its non-failures, its runs of failures, and how long those go on', () => {
    expect(see([['success'], ['failure'], ['failure'], ['failure'], ['success'], ['failure']])).toMatchObject(
      { nonFailures: 2, failureRuns: 1, furtherFailures: 2, failureRun: 1 },
    );
  });

  it('is nothing while the circuit is not closed', () => {
    expect(see([['success'], ['failure'], ['success'], ['failure']], false)).toMatchObject({
      nonFailures: 0,
      failureRuns: 0,
      furtherFailures: 0,
      failureRun: 1,
    });
  });

  it('counts by weight, a partial success as half a success', () => {
    expect(see([['partial'], ['failure', 0.25], ['partial', 4], ['failure', 3], ['success']])).toMatchObject({
      nonFailures: 3.5,
      failureRuns: 1.25,
      furtherFailures: 2,
    });
  });

  it('fades when there is more than is remembered, all of it alike', () => {
    const state = { evidence: 1, nonFailures: 1_900, failureRuns: 60, furtherFailures: 40, failureRun: 0 };
    const { nonFailures, failureRuns, furtherFailures } = observe(state, 'success', 1, true, config);
    expect([nonFailures, failureRuns, furtherFailures]).toEqual([
      1_901 * (2_000 / 2_001),
      60 * (2_000 / 2_001),
      40 * (2_000 / 2_001),
    ]);
  });

  it('says how often the next event fails, inside a run and outside, within its bounds', () => {
    expect(usualRate(unchanged, config)).toBe(0.1);
    const state = { evidence: 1, nonFailures: 80, failureRuns: 18, furtherFailures: 32, failureRun: 0 };
    expect(usualRate(state, config)).toBe(0.2);
    expect(usualRate({ ...state, failureRun: 1 }, config)).toBe(0.42);
    expect(usualRate({ ...state, nonFailures: 0 }, config)).toBe(0.6);
    expect(usualRate({ ...state, nonFailures: 2_000 }, config)).toBe(0.1);
  });
});

describe('a pair under opening: change', () => {
  it('opens at the fifth failure of its first run, and says why', () => {
    const { state, transitions } = play(failures(5));
    expect(state).toMatchObject({ circuitState: 'OPEN', openedAt: 4 });
    expect(state.change).toEqual({ ...unchanged, evidence: 10_000, failureRun: 5 });
    expect(transitions).toHaveLength(1);
    expect(transitions[0]?.change).toEqual({
      evidence: 10_000,
      normalRate: 0.1,
      failureRun: 5,
      explanation: '5 failures in a row where 10 % is usual',
    });
    expect(transitions[0]?.recoversAt).toBe(64);
  });

  it('opens within five failures of an outage after ten thousand successes, as the mean does not', () => {
    const good = successes(10_000);
    expect(play([...good, ...failures(5, 10_000)]).state.circuitState).toBe('OPEN');
    expect(play([...good, ...failures(5, 10_000)], mean).state.circuitState).toBe('CLOSED');
  });

  it('says it where a run alone was not enough', () => {
    const { transitions } = play([...failures(4), ['success', 4], ...failures(2, 5)]);
    expect(transitions[0]?.change?.explanation).toBe(
      '2 failures in a row, after others shortly before, where 18.8 % is usual',
    );
  });

  it('has the very evidence, alpha and beta that its events come to', () => {
    const { state } = play([
      ['success', 0],
      ['failure', 0],
      ['failure', 0],
      ['success', 0],
    ]);
    const inRun = (50 * 0.1 + 0) / (50 + 0 + 0);
    let evidence = 1 * ((1 - 0.8) / (1 - 0.1));
    evidence = 1 * (0.8 / 0.1);
    evidence *= 0.8 / inRun;
    evidence *= (1 - 0.8) / (1 - inRun);
    expect(state.change?.evidence).toBe(evidence);
    expect([state.alpha, state.beta]).toEqual([3, 3]);
  });

  it('half-opens when its cooldown is over, and closes when the evidence is spent', () => {
    const { transitions, state } = play([...failures(5), ...successes(7, 70)]);
    expect(transitions.map(({ to, occurredAt }) => [to, occurredAt])).toEqual([
      ['OPEN', 4],
      ['HALF_OPEN', 64],
      ['CLOSED', 76],
    ]);
    expect(state.change).toMatchObject({ nonFailures: 0, failureRuns: 0, failureRun: 0 });
  });

  it('opens again at one failure where the evidence is still whole', () => {
    const { transitions, state } = play([...failures(5), ['failure', 70]]);
    expect(transitions.map(({ to }) => to)).toEqual(['OPEN', 'HALF_OPEN', 'OPEN']);
    expect(state.openedAt).toBe(70);
  });

  it('counts a late event by how late it is, and one before the last transition in alpha and beta alone', () => {
    const halfLife = policyOf({ ...knobs, halfLifeSeconds: 100 });
    const before = play([['success', 100]], halfLife);
    const late = play([['failure', 0]], halfLife, before.pair).state.change;
    expect(late).toMatchObject({ evidence: (0.8 / 0.1) ** 0.5, failureRun: 0.5 });
    const open = play(failures(5, 1_000));
    const stale = play([['success', 1_003]], change, open.pair);
    expect(stale.state.change).toEqual(open.state.change);
    expect(stale.state.alpha).toBeGreaterThan(open.state.alpha);
  });

  it('stops agents while it is open and its cooldown runs, whatever the score', () => {
    const evaluator = new TrustEvaluator(knobs);
    const { state } = play([...successes(100), ...failures(5, 100)]);
    expect([103, 104, 163.9, 164].map((t) => evaluator.shouldTerminate(state, t))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(evaluator.isBroken(state)).toBe(true);
    const poor = play([...failures(4)]).state;
    expect(poor.trustScore).toBeLessThan(0.3);
    expect([evaluator.shouldTerminate(poor, 4), evaluator.isBroken(poor)]).toEqual([false, false]);
    const terminated = { ...state, circuitState: 'TERMINATED' } as const;
    expect([evaluator.shouldTerminate(terminated, 1e9), evaluator.isBroken(terminated)]).toEqual([
      true,
      true,
    ]);
  });

  it('expires whole', () => {
    const { pair } = play(successes(3));
    expect(expirySeconds(pair, change, 0)).toBe(expirySeconds(pair, mean, 0));
  });
});

describe('a policy that changes its opening', () => {
  it('begins anew with what is known of a change, and drops it under the mean', () => {
    const first = play(successes(50));
    expect(first.state.change?.nonFailures).toBe(50);
    const meanwhile = play([['success', 60]], mean, first.pair);
    expect(meanwhile.state).not.toHaveProperty('change');
    const back = play([['failure', 61]], change, meanwhile.pair);
    expect(back.state.change).toEqual({ ...unchanged, evidence: 8, failureRun: 1 });
  });

  it('lets a timed recovery under the mean drop it too', () => {
    const { pair } = play(failures(5));
    const step = recover(pair, 100, mean, rules);
    expect(step?.pair.state).not.toHaveProperty('change');
    expect(recover(pair, 100, change, rules)?.pair.state?.change).toEqual(pair.state?.change);
  });

  it('closes a circuit that the mean opened at its first success after the cooldown', () => {
    const { pair } = play(failures(5), mean);
    const { transitions } = play([['success', 100]], change, pair);
    expect(transitions.map(({ to }) => to)).toEqual(['HALF_OPEN', 'CLOSED']);
  });
});

describe('leased probes', () => {
  it.each([
    ['change', leased],
    ['mean', policyOf({ recoveryCooldownSeconds: 60, probes: 'leased', halfLifeSeconds: 20 })],
  ])('are what moves a half-open circuit under %s; all else counts in alpha and beta alone', (_, policy) => {
    const open = play(failures(5), policy);
    const half = recover(open.pair, 64, policy, rules)?.pair as Pair;
    const other = play([...successes(20, 70), ['failure', 90, { probe: half.transition - 1 }]], policy, half);
    expect(other.state.circuitState).toBe('HALF_OPEN');
    expect(other.state.change).toEqual(half.state?.change);
    expect(other.state.interactionCount).toBe(26);
    const probes = Array.from(
      { length: 10 },
      (_, i) => ['success', 100 + i, { probe: half.transition }] as const,
    );
    expect(play(probes, policy, other.pair).state.circuitState).toBe('CLOSED');
  });
});
