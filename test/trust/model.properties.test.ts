import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyCommand, type Command, type CommandAction } from '../../src/trust/command.js';
import { TrustConfig, type TrustConfigOptions } from '../../src/trust/config.js';
import { decay } from '../../src/trust/decay.js';
import { TrustEvaluator } from '../../src/trust/evaluator.js';
import { recoverySeconds } from '../../src/trust/forecast.js';
import { trustOutcomes } from '../../src/trust/outcome.js';
import type { Policy } from '../../src/trust/policy.js';
import { isSuperseded, type Pair, unknownPair } from '../../src/trust/record.js';
import type { TrustState } from '../../src/trust/state.js';
import { applyInteraction, type Interaction, recover, type Step } from '../../src/trust/step.js';
import type { StepRules } from '../../src/trust/transition.js';

const run = { seed: 20_110_318, numRuns: 1_000 };
const names = { pairId: '0123456789abcdef', agentA: 'a', agentB: 'b' };
const rules: StepRules = { timedRecovery: true, nowMs: 0 };

const outcome = fc.constantFrom(...trustOutcomes);
const eventWeight = fc.oneof(
  fc.constantFrom(1, 100, Number.MIN_VALUE),
  fc.double({ min: 1e-6, max: 100, noNaN: true }),
);

/** Numbers up to `max` with the ends of the range well represented. */
function upTo(max: number, ...ends: number[]): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(1, max, ...ends), fc.double({ min: Number.MIN_VALUE, max, noNaN: true }));
}

const tiny = [Number.MIN_VALUE, 1e-300, 1e-17, 1e-9];
const prior = upTo(1e6, ...tiny);
const outcomeWeight = upTo(1e6, 0, ...tiny);

/** Every config that is legal, extreme ones included. */
const anyConfig: fc.Arbitrary<TrustConfig> = fc
  .record({
    threshold: fc.oneof(
      fc.constantFrom(Number.MIN_VALUE, 0.3, 0.5, 1 - 2 ** -53),
      fc.double({ min: 1e-9, max: 0.999, noNaN: true }),
    ),
    halfLifeSeconds: upTo(1e12, Number.POSITIVE_INFINITY, Number.MAX_VALUE, ...tiny),
    alphaPrior: prior,
    betaPrior: prior,
    successWeight: outcomeWeight,
    failureWeight: outcomeWeight,
    partialAlphaWeight: outcomeWeight,
    partialBetaWeight: outcomeWeight,
    recoveryCooldownSeconds: fc.oneof(fc.constant(null), upTo(1e6, ...tiny)),
    roomUnderCap: fc.oneof(fc.constant(null), upTo(1e6, 0, Number.POSITIVE_INFINITY)),
  })
  .map(({ roomUnderCap, ...knobs }) => {
    const alphaMax = roomUnderCap === null ? null : knobs.alphaPrior + roomUnderCap;
    return new TrustConfig({ ...knobs, alphaMax });
  });

/** Configs of the kind that people run. */
const sensibleConfig: fc.Arbitrary<TrustConfig> = fc
  .record({
    threshold: fc.double({ min: 0.05, max: 0.49, noNaN: true }),
    halfLifeSeconds: fc.double({ min: 1, max: 1e5, noNaN: true }),
    recoveryCooldownSeconds: fc.constantFrom(null, 7, 60, 333.3),
  })
  .map((knobs) => new TrustConfig(knobs));

function interactions(times: fc.Arbitrary<number>, maxLength = 20): fc.Arbitrary<Interaction[]> {
  return fc.array(fc.record({ outcome, time: times, weight: eventWeight }), { maxLength });
}

function policyOf(config: TrustConfig): Policy {
  return { name: 'default', version: 1, config, enforced: true };
}

function play(evaluator: TrustEvaluator, events: readonly Interaction[]): TrustState {
  const first = evaluator.newState('a', 'b', events[0]?.time ?? 0);
  return events.reduce(
    (state, event) => evaluator.update(state, event.outcome, event.time, event.weight),
    first,
  );
}

function inOrderOf<K extends string, T extends Readonly<Record<K, number>>>(
  field: K,
  all: readonly T[],
): T[] {
  return [...all].sort((one, other) => one[field] - other[field]);
}

function expectClose(actual: number, expected: number, relative: number): void {
  if (!(Math.abs(actual - expected) <= relative * Math.abs(expected))) expect(actual).toBe(expected);
}

describe('evidence', () => {
  /** Section 3: no cap, both priors 1, one config. */
  const config = fc
    .record({
      halfLifeSeconds: fc.oneof(
        fc.constant(Number.POSITIVE_INFINITY),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
      ),
      successWeight: fc.double({ min: 0, max: 10, noNaN: true }),
      failureWeight: fc.double({ min: 0, max: 10, noNaN: true }),
      partialAlphaWeight: fc.double({ min: 0, max: 10, noNaN: true }),
      partialBetaWeight: fc.double({ min: 0, max: 10, noNaN: true }),
    })
    .map((knobs) => new TrustConfig(knobs));
  const time = fc.oneof(fc.nat(100), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
  const arrivals = fc.array(fc.record({ outcome, time, weight: eventWeight, arrival: fc.nat() }), {
    minLength: 1,
    maxLength: 20,
  });

  it('is the same in whatever order events arrive', () => {
    fc.assert(
      fc.property(config, arrivals, (knobs, events) => {
        const evaluator = new TrustEvaluator(knobs);
        const one = play(evaluator, inOrderOf('time', events));
        const two = play(evaluator, inOrderOf('arrival', events));
        const latest = Math.max(...events.map((event) => event.time));
        const at = (state: TrustState) => decay(state, latest - state.lastUpdated, knobs.halfLifeSeconds);
        expectClose(at(two).alpha, at(one).alpha, 1e-9);
        expectClose(at(two).beta, at(one).beta, 1e-9);
        expect([one.lastUpdated, two.lastUpdated]).toEqual([latest, latest]);
        expect(two.interactionCount).toBe(one.interactionCount);
      }),
      run,
    );
  });
});

function expectScore(score: number): void {
  if (!(score >= 0 && score <= 1)) expect(score).toBe('a number in [0, 1]');
}

describe('the score', () => {
  it('stays in [0, 1] under every legal config', () => {
    fc.assert(
      fc.property(
        anyConfig,
        interactions(fc.double({ min: -1e12, max: 1e12, noNaN: true })),
        (config, events) => {
          const evaluator = new TrustEvaluator(config);
          let state = evaluator.newState('a', 'b', 0);
          for (const event of events) {
            state = evaluator.update(state, event.outcome, event.time, event.weight);
            expectScore(state.trustScore);
            for (const later of [0, 1, 1e12, Number.MAX_VALUE]) expectScore(evaluator.scoreAt(state, later));
          }
        },
      ),
      { ...run, numRuns: 2_000 },
    );
  });

  it('stays in [0, 1] when priors vanish beside 1 and an outcome adds nothing', () => {
    const evaluator = new TrustEvaluator({ alphaPrior: 1e-17, betaPrior: 1e-17, successWeight: 0 });
    expectScore(evaluator.update(evaluator.newState('a', 'b', 0), 'success', 0).trustScore);
    expectScore(evaluator.scoreAt(evaluator.newState('a', 'b', 0), 0));
  });

  it('stays in [0, 1] across the longest span of finite times, without decay too', () => {
    const [first, last] = [-Number.MAX_VALUE, Number.MAX_VALUE];
    for (const halfLifeSeconds of [1, Number.POSITIVE_INFINITY]) {
      const evaluator = new TrustEvaluator({ halfLifeSeconds });
      const early = evaluator.update(evaluator.newState('a', 'b', first), 'failure', first);
      expectScore(evaluator.scoreAt(early, last));
      expectScore(evaluator.update(early, 'success', last).trustScore);
      const late = evaluator.update(evaluator.newState('a', 'b', last), 'failure', last);
      expectScore(evaluator.update(late, 'success', first).trustScore);
    }
  });

  it('goes to 1/2 in silence and never turns back or crosses it', () => {
    const elapsed = fc.double({ min: 0, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(anyConfig, interactions(fc.nat(1_000)), elapsed, elapsed, (config, events, x, y) => {
        const evaluator = new TrustEvaluator(config);
        const state = play(evaluator, events);
        const side = Math.sign(state.alpha - state.beta);
        const distance = (after: number) =>
          side * (evaluator.scoreAt(state, state.lastUpdated + after) - 0.5);
        const [sooner, later] = [distance(Math.min(x, y)), distance(Math.max(x, y))];
        expect(later).toBeGreaterThanOrEqual(-1e-12);
        expect(sooner).toBeGreaterThanOrEqual(later - 1e-12);
        expect(distance(0)).toBeGreaterThanOrEqual(sooner - 1e-12);
      }),
      run,
    );
  });
});

describe('the forecast', () => {
  const open = fc.record({
    alpha: fc.oneof(
      fc.double({ min: 1e-3, max: 10, noNaN: true }),
      fc.double({ min: 1, max: 1e6, noNaN: true }),
    ),
    beta: fc.oneof(
      fc.double({ min: 1e-3, max: 10, noNaN: true }),
      fc.double({ min: 1, max: 1e6, noNaN: true }),
    ),
    threshold: fc.double({ min: 0.001, max: 0.4999, noNaN: true }),
    halfLifeSeconds: fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
    circuitState: fc.constantFrom('OPEN', 'HALF_OPEN'),
  });

  it('is the elapsed time after which the decayed score is the threshold', () => {
    fc.assert(
      fc.property(open, ({ alpha, beta, threshold, halfLifeSeconds, circuitState }) => {
        fc.pre(alpha / (alpha + beta) < threshold);
        const config = new TrustConfig({ threshold, halfLifeSeconds });
        const evaluator = new TrustEvaluator(config);
        const state = { ...evaluator.newState('a', 'b', 1.7e9), alpha, beta, circuitState } as TrustState;
        const seconds = recoverySeconds(state, config) as number;
        const kept = 0.5 ** (seconds / halfLifeSeconds);
        const scoreThen = (1 + (alpha - 1) * kept) / (2 + (alpha + beta - 2) * kept);
        expect(Math.abs(scoreThen - threshold)).toBeLessThanOrEqual(1e-9);
      }),
      { ...run, numRuns: 2_000 },
    );
  });
});

/** Anything that can happen to a pair. */
type Happening =
  | ({ readonly kind: 'interaction' } & Interaction)
  | { readonly kind: 'recover'; readonly until: number }
  | { readonly kind: CommandAction; readonly time: number };

const moment = fc.oneof(fc.nat(2_000), fc.double({ min: 0, max: 2_000, noNaN: true }));
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('interaction' as const),
      outcome,
      time: moment,
      weight: eventWeight,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('recover' as const), until: moment }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('terminate' as const, 'reset' as const), time: moment }),
  },
);

function command(action: CommandAction, time: number): Command {
  return { action, time, actor: 'operator', reason: 'test' };
}

function happen(pair: Pair, what: Happening, policy: Policy, nowMs = 0): Step {
  const now = { ...rules, nowMs };
  if (what.kind === 'interaction')
    return isSuperseded(pair, what.time)
      ? { pair, transitions: [] }
      : applyInteraction(pair, what, 'event', policy, now);
  if (what.kind === 'recover') return recover(pair, what.until, policy, now) ?? { pair, transitions: [] };
  return applyCommand(pair, command(what.kind, what.time), 'command', policy, now);
}

describe('a pair', () => {
  it('stays TERMINATED, whatever happens and under whatever policy, until a reset', () => {
    const others = happening.filter((what) => what.kind !== 'reset');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(happening, sensibleConfig)),
        fc.array(fc.tuple(others, sensibleConfig)),
        (before, after) => {
          let pair = unknownPair(names);
          for (const [what, config] of before) pair = happen(pair, what, policyOf(config)).pair;
          pair = happen(pair, { kind: 'terminate', time: 3_000 }, policyOf(new TrustConfig())).pair;
          for (const [what, config] of after) {
            const step = happen(pair, what, policyOf(config));
            expect(step.transitions).toEqual([]);
            pair = step.pair;
          }
          expect(pair.state?.circuitState).toBe('TERMINATED');
          expect(
            happen(pair, { kind: 'reset', time: 2_999 }, policyOf(new TrustConfig())).pair.state
              ?.circuitState,
          ).toBe('TERMINATED');
          expect(
            happen(pair, { kind: 'reset', time: 3_001 }, policyOf(new TrustConfig())).pair.state,
          ).toBeNull();
        },
      ),
      run,
    );
  });

  it('numbers its transitions upwards and links each to the one before, whatever the clocks say', () => {
    const steps = fc.array(fc.tuple(happening, sensibleConfig, fc.nat(50)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (all) => {
        let pair = unknownPair(names);
        for (const [what, config, nowMs] of all) {
          const step = happen(pair, what, policyOf(config), nowMs);
          let last = pair.transition;
          for (const made of step.transitions) {
            expect(made.previousTransition).toBe(last);
            expect(made.transition).toBe(Math.max(last + 1, nowMs));
            last = made.transition;
          }
          expect(step.pair.transition).toBe(last);
          if (step.pair.state !== null) expect(step.pair.state.transition).toBe(last);
          pair = step.pair;
        }
      }),
      run,
    );
  });

  it('comes out the same whenever a timer ran before an event', () => {
    const timed = fc.record({
      outcome,
      time: moment,
      weight: eventWeight,
      timers: fc.array(moment, { maxLength: 4 }),
    });
    fc.assert(
      fc.property(sensibleConfig, fc.array(timed, { maxLength: 30 }), (config, events) => {
        const policy = policyOf(config);
        let lazy = unknownPair(names);
        let eager = lazy;
        for (const event of events) {
          const alone = applyInteraction(lazy, event, 'event', policy, rules);
          const transitions: Step['transitions'][number][] = [];
          for (const until of event.timers.filter((at) => at <= event.time).sort((x, y) => x - y)) {
            const due = recover(eager, until, policy, rules);
            if (due !== null) {
              eager = due.pair;
              transitions.push(...due.transitions);
            }
          }
          const step = applyInteraction(eager, event, 'event', policy, rules);
          expect([...transitions, ...step.transitions]).toEqual(alone.transitions);
          expect(step.pair).toEqual(alone.pair);
          lazy = alone.pair;
          eager = step.pair;
        }
      }),
      run,
    );
  });
});

describe('commands', () => {
  const commands = fc.uniqueArray(
    fc.record({
      action: fc.constantFrom<CommandAction>('reset', 'terminate'),
      time: fc.nat(1_000),
      arrival: fc.nat(),
    }),
    { selector: ({ time }) => time, maxLength: 6 },
  );

  function end(
    policy: Policy,
    before: readonly Interaction[],
    commands: readonly { action: CommandAction; time: number }[],
    after: readonly Interaction[],
  ) {
    let pair = unknownPair(names);
    for (const event of before) pair = happen(pair, { kind: 'interaction', ...event }, policy).pair;
    for (const { action, time } of commands) pair = happen(pair, { kind: action, time }, policy).pair;
    for (const event of after) pair = happen(pair, { kind: 'interaction', ...event }, policy).pair;
    if (pair.state === null) return { resetAt: pair.resetAt, state: null };
    const { transition: _, ...state } = pair.state;
    return { resetAt: pair.resetAt, state };
  }

  function expectOneEnd(knobs: TrustConfigOptions): void {
    const policy = policyOf(new TrustConfig(knobs));
    const early = interactions(fc.integer({ min: -100, max: 1_000 }), 4);
    const late = interactions(fc.integer({ min: 1_001, max: 1_100 }), 4).filter(
      (events) => events.length > 0,
    );
    fc.assert(
      fc.property(early, commands, late, (before, all, after) => {
        expect(end(policy, before, inOrderOf('arrival', all), after)).toEqual(
          end(policy, before, inOrderOf('time', all), after),
        );
      }),
      run,
    );
  }

  it('come to the end of their own order in whatever order they arrive', () => {
    expectOneEnd({});
    expectOneEnd({ recoveryCooldownSeconds: 60 });
  });

  it('come to the end of their own order under priors that decay', () => {
    expectOneEnd({ alphaPrior: 2, betaPrior: 5 });
  });
});
