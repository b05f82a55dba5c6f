import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/demo/random.js';
import { changeBounds, observe, unchanged } from '../../src/trust/change.js';
import { TrustConfig } from '../../src/trust/config.js';
import { type TrustOutcome, trustOutcomes } from '../../src/trust/outcome.js';
import type { Policy } from '../../src/trust/policy.js';
import { type Pair, unknownPair } from '../../src/trust/record.js';
import { applyInteraction } from '../../src/trust/step.js';
import type { Transition } from '../../src/trust/transition.js';

const run = { seed: 20_540_601, numRuns: 500 };
const names = { pairId: '0123456789abcdef', agentA: 'a', agentB: 'b' };
const cooldown = 60;

function policyOf(config: TrustConfig): Policy {
  return { name: 'default', version: 1, config, enforced: true };
}

const standard = new TrustConfig({ opening: 'change', recoveryCooldownSeconds: cooldown });

const config = fc
  .record({
    evidence: fc.double({ min: 2, max: 1e6, noNaN: true }),
    rates: fc
      .uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 3, maxLength: 3 })
      .map((percents) => percents.sort((a, b) => a - b).map((percent) => percent / 100)),
    memory: fc.integer({ min: 1, max: 500 }),
  })
  .map(({ evidence, rates: [normalRate = 0.1, normalMax = 0.6, badRate = 0.8], memory }) => {
    const rates = { normalRate, normalMax, badRate };
    return new TrustConfig({
      opening: 'change',
      recoveryCooldownSeconds: cooldown,
      evidence,
      ...rates,
      memory,
    });
  });

const anyConfig = fc.oneof(fc.constant(standard), config);

/** Long runs of one outcome, with the odd other one. */
const history = fc
  .array(fc.tuple(fc.constantFrom(...trustOutcomes), fc.oneof(fc.nat(3), fc.nat(60))), { maxLength: 12 })
  .map((runs) => runs.flatMap(([outcome, length]) => Array<TrustOutcome>(length).fill(outcome)));

/** Plays outcomes one after another, a minute apart unless said otherwise. */
class Playing {
  pair: Pair = unknownPair(names);
  time = 0;

  constructor(
    private readonly policy: Policy,
    private readonly stepSeconds = 61,
  ) {}

  static under(config: TrustConfig, stepSeconds?: number): Playing {
    return new Playing(policyOf(config), stepSeconds);
  }

  circuit(): string {
    return this.pair.state?.circuitState ?? 'CLOSED';
  }

  next(outcome: TrustOutcome): readonly Transition[] {
    this.time += this.stepSeconds;
    const event = { outcome, time: this.time, weight: 1 };
    const rules = { timedRecovery: true, nowMs: 0 };
    const { pair, transitions } = applyInteraction(this.pair, event, 'event', this.policy, rules);
    this.pair = pair;
    return transitions;
  }

  all(outcomes: readonly TrustOutcome[]): this {
    for (const outcome of outcomes) this.next(outcome);
    return this;
  }
}

describe('opening on a change', () => {
  it('never opens with fewer failures since the circuit was closed than the least', () => {
    fc.assert(
      fc.property(anyConfig, fc.array(history, { maxLength: 3 }), (config, parts) => {
        const [least] = changeBounds(config).failuresToOpen;
        const playing = Playing.under(config);
        let failures = 0;
        for (const outcome of parts.flat()) {
          const before = playing.circuit();
          if (outcome === 'failure') failures++;
          const transitions = playing.next(outcome);
          if (transitions.some(({ from, to }) => from === 'CLOSED' && to === 'OPEN'))
            expect(failures).toBeGreaterThanOrEqual(least);
          if (playing.circuit() === 'CLOSED' && before !== 'CLOSED') failures = 0;
        }
      }),
      run,
    );
  });

  it('opens within the most failures in a row, whatever came before', () => {
    fc.assert(
      fc.property(anyConfig, history, (config, before) => {
        const [, most] = changeBounds(config).failuresToOpen;
        fc.pre(most < 2_000);
        const playing = Playing.under(config, 0.01).all(before);
        let failures = 0;
        while (playing.circuit() === 'CLOSED' && failures <= most) {
          playing.next('failure');
          failures++;
        }
        expect(failures).toBeLessThanOrEqual(most);
      }),
      run,
    );
  });

  it('closes an opened circuit within the least to the most successes', () => {
    fc.assert(
      fc.property(anyConfig, history, (config, before) => {
        const { failuresToOpen, successesToClose } = changeBounds(config);
        fc.pre(failuresToOpen[1] < 2_000);
        const playing = Playing.under(config).all(before);
        do playing.next('failure');
        while (playing.circuit() === 'CLOSED');
        // Failures may go on: the evidence of a bad run has an upper end.
        playing.all(before.filter((outcome) => outcome === 'failure'));
        while (playing.circuit() !== 'OPEN') playing.next('failure');
        let successes = 0;
        while (playing.circuit() !== 'CLOSED' && successes <= successesToClose[1]) {
          playing.next('success');
          successes++;
        }
        expect(successes).toBeGreaterThanOrEqual(successesToClose[0]);
        expect(successes).toBeLessThanOrEqual(successesToClose[1]);
      }),
      run,
    );
  });

  it('never opens at a success and never closes at a failure', () => {
    fc.assert(
      fc.property(anyConfig, fc.array(history, { maxLength: 3 }), (config, parts) => {
        const playing = Playing.under(config);
        for (const outcome of parts.flat()) {
          const moved = playing.next(outcome).filter(({ cause }) => cause.kind === 'interaction');
          for (const { to } of moved) expect(to).toBe(outcome === 'failure' ? 'OPEN' : 'CLOSED');
        }
      }),
      run,
    );
  });

  it('does the same when all times and the cooldown are longer', () => {
    // A power of two: the times stay exact.
    const factor = 64;
    const gaps = fc.array(fc.tuple(fc.nat(90), fc.constantFrom(...trustOutcomes, 'failure' as const)), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(gaps, (events) => {
        const slow = new TrustConfig({ ...standard, recoveryCooldownSeconds: cooldown * factor });
        const play = (config: TrustConfig, scale: number) => {
          const playing = Playing.under(config, 0);
          return events.map(([gap, outcome]) => {
            playing.time += gap * scale;
            playing.next(outcome);
            return [playing.circuit(), playing.pair.state?.change];
          });
        };
        expect(play(slow, factor)).toEqual(play(standard, 1));
      }),
      run,
    );
  });

  it('opens falsely at most once in as many events as `evidence` says, while failures come at normalRate', () => {
    const evidence = 200;
    const config = new TrustConfig({ ...standard, evidence });
    for (const rate of [config.normalRate, 0.8 * config.normalRate]) {
      const random = seededRandom(1_954);
      const openings = 300;
      let events = 0;
      for (let i = 0; i < openings; i++)
        for (let state = unchanged; state.evidence < evidence; events++)
          state = observe(state, random() < rate ? 'failure' : 'success', 1, true, config);
      expect(events / openings).toBeGreaterThanOrEqual(evidence);
    }
  });

  it('opens after 5 to 33 failures and closes after 7 to 14 successes by default', () => {
    expect(changeBounds(standard)).toEqual({ failuresToOpen: [5, 33], successesToClose: [7, 14] });
    expect(changeBounds(new TrustConfig({ ...standard, evidence: 4_096 })).failuresToOpen[0]).toBe(4);
  });
});
