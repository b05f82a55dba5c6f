import { describe, expect, it } from 'vitest';
import { applyCommand } from '../../src/trust/command.js';
import { TrustConfig, type TrustConfigOptions } from '../../src/trust/config.js';
import { recoversAt } from '../../src/trust/forecast.js';
import type { TrustOutcome } from '../../src/trust/outcome.js';
import type { Policy } from '../../src/trust/policy.js';
import { expirySeconds, isSuperseded, type Pair, unknownPair } from '../../src/trust/record.js';
import type { TrustState } from '../../src/trust/state.js';
import { applyInteraction, nextDue, recover, type Step } from '../../src/trust/step.js';
import type { StepRules, Transition } from '../../src/trust/transition.js';

const names = { pairId: '0123456789abcdef', agentA: 'writer', agentB: 'editor' };
const rules: StepRules = { timedRecovery: true, nowMs: 1_000 };
const untimed: StepRules = { ...rules, timedRecovery: false };
const day = 86_400;

function policyOf(knobs: TrustConfigOptions = {}): Policy {
  return { name: 'p', version: 7, config: new TrustConfig(knobs), enforced: true };
}

const byDecay = policyOf();
const byCooldown = policyOf({ recoveryCooldownSeconds: 60 });

type Happening = readonly [TrustOutcome | 'terminate' | 'reset', number];

function step(pair: Pair, [what, time]: Happening, policy = byDecay, under = rules): Step {
  if (what !== 'terminate' && what !== 'reset')
    return applyInteraction(pair, { outcome: what, time, weight: 1 }, 'e1', policy, under);
  return applyCommand(pair, { action: what, time, actor: 'ann', reason: 'test' }, 'c1', policy, under);
}

function history(happenings: readonly Happening[], policy = byDecay, under = rules): Pair {
  return happenings.reduce((pair, what) => step(pair, what, policy, under).pair, unknownPair(names));
}

function stateOf(pair: Pair): TrustState {
  if (pair.state === null) throw new Error('the pair has no state');
  return pair.state;
}

function only(made: Step | null): Transition {
  const transitions = made?.transitions ?? [];
  expect(transitions).toHaveLength(1);
  return transitions[0] as Transition;
}

function brief(made: Step): string[] {
  return made.transitions.map((one) => `${one.type} at ${one.occurredAt} by ${one.cause.kind}`);
}

/** Two failures at 0: alpha 1, beta 3, score 0.25, OPEN; decay to 2/3 of that evidence is the threshold, 0.3. */
const opened: readonly Happening[] = [
  ['failure', 0],
  ['failure', 0],
];
const closesAt = day * Math.log2(1.5);

describe('an interaction', () => {
  it('that brings the score under the threshold opens the circuit and says all about it', () => {
    const made = step(history([['failure', 0]]), ['failure', 0]);
    expect(only(made)).toEqual({
      type: 'opened',
      ...names,
      from: 'CLOSED',
      to: 'OPEN',
      trustScore: 0.25,
      alpha: 1,
      beta: 3,
      interactionCount: 2,
      threshold: 0.3,
      policy: { name: 'p', version: 7 },
      enforced: true,
      transition: 1_000,
      previousTransition: 0,
      occurredAt: 0,
      recoversAt: expect.closeTo(closesAt, 6),
      cause: { kind: 'interaction', eventId: 'e1', outcome: 'failure' },
    });
    expect(made.pair).toMatchObject({ transition: 1_000, transitionAt: 0 });
  });

  it('gives no forecast where nothing recovers by time', () => {
    const pair = history([['failure', 0]], byDecay, untimed);
    expect(only(step(pair, ['failure', 0], byDecay, untimed)).recoversAt).toBeNull();
  });

  it('is superseded when it is not after the last reset', () => {
    const pair = history([...opened, ['reset', 100]]);
    expect([99, 100, 100.001].map((t) => isSuperseded(pair, t))).toEqual([true, true, false]);
    expect(isSuperseded(unknownPair(names), -1e9)).toBe(false);
  });

  it('older than the last transition counts and is never the verdict of the probe', () => {
    const probing = recover(history(opened, byCooldown), 60, byCooldown, rules)?.pair as Pair;
    expect(stateOf(probing)).toMatchObject({ circuitState: 'HALF_OPEN', lastUpdated: 0 });
    for (const time of [-5, 0, 59.9]) {
      const made = step(probing, ['success', time], byCooldown);
      expect(made.transitions).toEqual([]);
      expect(stateOf(made.pair)).toMatchObject({ circuitState: 'HALF_OPEN', interactionCount: 3 });
      expect(stateOf(made.pair).alpha).toBeGreaterThan(1.9);
    }
    expect(brief(step(probing, ['success', 60], byCooldown))).toEqual(['closed at 60 by interaction']);
  });

  it('older than the failure that ended a probe does not let the next probe pass', () => {
    const reopened = history([...opened, ['failure', 70]], byCooldown);
    expect(stateOf(reopened)).toMatchObject({ circuitState: 'OPEN', openedAt: 70 });
    expect(stateOf(history([...opened, ['failure', 70], ['success', 65]], byCooldown)).circuitState).toBe(
      'OPEN',
    );
  });
});

describe('a timed recovery', () => {
  it('closes a silent circuit when decay brings the score back, and writes the state decayed to then', () => {
    const pair = history(opened);
    const due = nextDue(pair, byDecay, rules) as number;
    expect(due).toBeCloseTo(closesAt, 6);
    expect(recover(pair, due - 1e-6, byDecay, rules)).toBeNull();
    const made = recover(pair, 10 * day, byDecay, rules) as Step;
    expect(only(made)).toMatchObject({ type: 'closed', occurredAt: due, cause: { kind: 'recovery' } });
    expect(stateOf(made.pair)).toMatchObject({
      circuitState: 'CLOSED',
      lastUpdated: due,
      interactionCount: 2,
    });
    expect(stateOf(made.pair).trustScore).toBeCloseTo(0.3, 12);
    expect(stateOf(made.pair).beta).toBeCloseTo(1 + 2 / 1.5, 12);
    expect(recover(made.pair, 1e12, byDecay, rules)).toBeNull();
  });

  it('half-opens a circuit after its cooldown and changes nothing else', () => {
    const pair = history(opened, byCooldown);
    const made = recover(pair, 60, byCooldown, rules) as Step;
    expect(only(made)).toMatchObject({ type: 'half_opened', from: 'OPEN', to: 'HALF_OPEN', occurredAt: 60 });
    expect(stateOf(made.pair)).toEqual({ ...stateOf(pair), circuitState: 'HALF_OPEN', transition: 1_001 });
    expect(recover(made.pair, 1e12, byCooldown, rules)).toBeNull();
  });

  it('is made before an event that comes after it, as a transition of its own', () => {
    const made = step(history(opened), ['failure', 3 * day]);
    expect(made.transitions.map(({ type }) => type)).toEqual(['closed']);
    const two = step(step(history(opened), ['failure', closesAt + 1]).pair, ['failure', closesAt + 2]);
    expect(stateOf(two.pair).circuitState).toBe('OPEN');
  });

  it('lets the event that follows a half-open be the verdict of the probe', () => {
    const good = step(history(opened, byCooldown), ['success', 90], byCooldown);
    expect(brief(good)).toEqual(['half_opened at 60 by recovery', 'closed at 90 by interaction']);
    const bad = step(history(opened, byCooldown), ['failure', 60], byCooldown);
    expect(brief(bad)).toEqual(['half_opened at 60 by recovery', 'opened at 60 by interaction']);
    expect(bad.transitions.map((one) => [one.previousTransition, one.transition])).toEqual([
      [1_000, 1_001],
      [1_001, 1_002],
    ]);
    expect(stateOf(bad.pair)).toMatchObject({ circuitState: 'OPEN', openedAt: 60, interactionCount: 3 });
  });

  it('is not made by an event where it is turned off', () => {
    const made = step(history(opened, byCooldown, untimed), ['success', 90], byCooldown, untimed);
    expect(brief(made)).toEqual(['half_opened at 90 by interaction']);
    expect(nextDue(history(opened), byDecay, untimed)).toBeNull();
  });

  it('never comes where the threshold is 1/2 or more, or nothing decays', () => {
    const never = [{ threshold: 0.5 }, { threshold: 0.8 }, { halfLifeSeconds: Number.POSITIVE_INFINITY }];
    for (const knobs of never) {
      const pair = history(opened, policyOf(knobs));
      expect(stateOf(pair).circuitState).toBe('OPEN');
      expect(recoversAt(stateOf(pair), new TrustConfig(knobs))).toBeNull();
      expect(recover(pair, Number.MAX_VALUE, policyOf(knobs), rules)).toBeNull();
      expect(recoversAt(stateOf(pair), new TrustConfig({ ...knobs, recoveryCooldownSeconds: 60 }))).toBe(60);
    }
  });

  it('never comes after a cooldown or a half-life without end: the forecast is null, not Infinity', () => {
    const state = stateOf(history(opened, byCooldown));
    expect(
      recoversAt(state, new TrustConfig({ recoveryCooldownSeconds: Number.POSITIVE_INFINITY })),
    ).toBeNull();
    const decaysIn1e308 = new TrustConfig({ halfLifeSeconds: Number.MAX_VALUE, threshold: 0.49 });
    expect(recoversAt(state, decaysIn1e308)).toBeNull();
  });

  it('comes neither to a CLOSED pair, a TERMINATED one, nor one that is not known', () => {
    const terminated = history([...opened, ['terminate', 1]]);
    for (const pair of [unknownPair(names), history([['success', 0]]), terminated])
      expect([nextDue(pair, byDecay, rules), recover(pair, 1e12, byDecay, rules)]).toEqual([null, null]);
  });

  it('is worked out anew under the policy of the moment', () => {
    const pair = history(opened, byCooldown);
    const slower = policyOf({ recoveryCooldownSeconds: 600 });
    expect(recover(pair, 60, slower, rules)).toBeNull();
    expect(nextDue(pair, slower, rules)).toBe(600);
    expect(nextDue(pair, byDecay, rules)).toBeCloseTo(closesAt, 6);
    expect(nextDue(pair, policyOf({ threshold: 0.6, halfLifeSeconds: 1 }), rules)).toBeNull();
    // A threshold that the score has already reached: due at once, and made without a second look at the score.
    expect(only(recover(pair, 0, policyOf({ threshold: 0.2 }), rules))).toMatchObject({
      type: 'closed',
      occurredAt: 0,
    });
  });
});

describe('terminate', () => {
  it('makes a pair of which nothing was known, with no interaction', () => {
    const made = step(unknownPair(names), ['terminate', 50], policyOf({ alphaPrior: 2 }));
    expect(only(made)).toMatchObject({
      type: 'terminated',
      from: 'CLOSED',
      to: 'TERMINATED',
      occurredAt: 50,
    });
    expect(only(made).cause).toEqual({ kind: 'operator', eventId: 'c1', actor: 'ann', reason: 'test' });
    expect(stateOf(made.pair)).toMatchObject({ alpha: 2, beta: 1, interactionCount: 0, lastUpdated: 50 });
  });

  it('leaves the evidence of a known pair and when it was last updated', () => {
    const pair = history(opened);
    const killed = step(pair, ['terminate', 50]).pair;
    expect(stateOf(killed)).toEqual({ ...stateOf(pair), circuitState: 'TERMINATED', transition: 1_001 });
  });

  it('lets evidence accrue and the circuit stay', () => {
    const pair = history([...opened, ['terminate', 1], ['success', 2], ['success', 3], ['success', 4]]);
    expect(stateOf(pair)).toMatchObject({ circuitState: 'TERMINATED', interactionCount: 5 });
    expect(stateOf(pair).trustScore).toBeGreaterThan(0.5);
  });

  it('changes nothing when it is not after the last reset', () => {
    const pair = history([...opened, ['reset', 100]]);
    for (const time of [99, 100]) expect(step(pair, ['terminate', time])).toEqual({ pair, transitions: [] });
    expect(only(step(pair, ['terminate', 101]))).toMatchObject({
      type: 'terminated',
      previousTransition: 1_001,
    });
  });
});

describe('reset', () => {
  it('removes the state and keeps when it took effect', () => {
    const made = step(history(opened), ['reset', 100]);
    expect(only(made)).toMatchObject({
      type: 'reset',
      from: 'OPEN',
      to: 'CLOSED',
      occurredAt: 100,
      trustScore: 0.5,
    });
    expect(made.pair).toMatchObject({ state: null, resetTime: 100, resetAt: 100, transition: 1_001 });
  });

  it('takes effect at the last update when that is later than its own time', () => {
    const made = step(history([['success', 500]]), ['reset', 100]);
    expect(only(made).occurredAt).toBe(500);
    expect(made.pair).toMatchObject({ resetTime: 100, resetAt: 500 });
    expect([500, 501].map((t) => isSuperseded(made.pair, t))).toEqual([true, false]);
  });

  it('changes no circuit of a pair without state, and is remembered', () => {
    const made = step(unknownPair(names), ['reset', 100]);
    expect(made.transitions).toEqual([]);
    expect(isSuperseded(made.pair, 100)).toBe(true);
  });

  it('older than the last terminate clears the evidence and leaves the pair TERMINATED', () => {
    const made = step(history([...opened, ['terminate', 200]]), ['reset', 100]);
    expect(only(made)).toMatchObject({ type: 'reset', from: 'TERMINATED', to: 'TERMINATED' });
    expect(stateOf(made.pair)).toMatchObject({
      alpha: 1,
      beta: 1,
      interactionCount: 0,
      circuitState: 'TERMINATED',
    });
    expect(step(made.pair, ['reset', 201]).pair.state).toBeNull();
  });

  it('leaves the number of the last transition behind, for the next to rise from', () => {
    const pair = history([...opened, ['reset', 100], ['failure', 101]]);
    expect(stateOf(pair)).toMatchObject({ interactionCount: 1, transition: 1_001 });
    expect(only(step(pair, ['failure', 102]))).toMatchObject({
      transition: 1_002,
      previousTransition: 1_001,
    });
  });
});

describe('a command given twice', () => {
  it.each(['terminate', 'reset'] as const)('changes nothing the second time: %s', (action) => {
    for (const before of [[], opened]) {
      const once = step(history(before), [action, 300]).pair;
      expect(step(once, [action, 300])).toEqual({ pair: once, transitions: [] });
    }
  });
});

describe('a stored pair', () => {
  const week = 7 * day;

  it('may be forgotten when its evidence has decayed below 1e-9', () => {
    const seconds = expirySeconds(
      history([
        ['success', 0],
        ['failure', 0],
        ['success', 0],
      ]),
      byDecay,
      week,
    ) as number;
    expect(2 * 0.5 ** (seconds / day)).toBeCloseTo(1e-9, 15);
    expect(expirySeconds(unknownPair(names), byDecay, week)).toBe(0);
  });

  it('is kept while it is not CLOSED, or while silence does not bring it back to a fresh pair', () => {
    expect(expirySeconds(history(opened), byDecay, week)).toBeNull();
    expect(expirySeconds(history([['terminate', 0]]), byDecay, week)).toBeNull();
    const good = history([['success', 0]]);
    for (const knobs of [
      { alphaPrior: 2 },
      { betaPrior: 0.5 },
      { halfLifeSeconds: Number.POSITIVE_INFINITY },
    ])
      expect(expirySeconds(good, policyOf(knobs), week)).toBeNull();
  });

  it('keeps what a reset and a terminate said for as long as the log keeps interactions', () => {
    expect(expirySeconds(history([...opened, ['reset', 1]]), byDecay, week)).toBe(week);
    expect(
      expirySeconds(
        history([
          ['reset', 1],
          ['success', 2],
        ]),
        policyOf({ halfLifeSeconds: 1 }),
        week,
      ),
    ).toBe(week);
    expect(
      expirySeconds(
        history([
          ['reset', 1],
          ['success', 2],
        ]),
        byDecay,
        week,
      ),
    ).toBeGreaterThan(week);
  });
});
