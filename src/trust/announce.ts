import type { CircuitState } from './circuit.js';
import { nextTransition } from './evaluator.js';
import type { Policy } from './policy.js';
import type { Pair } from './record.js';
import { freshState, type TrustState, underRule } from './state.js';
import type { Step } from './step.js';
import { describe, type StepRules } from './transition.js';

/** A pair's circuit as it was published last. */
export interface Published {
  readonly transition: number;
  readonly to: CircuitState;
}

/** A pair of which nothing was published: whoever reads circuits takes it for closed. */
export const neverPublished: Published = Object.freeze({ transition: 0, to: 'CLOSED' });

/**
 * Tells of a circuit that moved without anybody being told. Where the pair's circuit is not the one that was published
 * last, a transition leads from that to this one, under a number above it. Where they agree there is none; the pair's
 * next one will follow on what was published. A pair without state is closed.
 *
 * A pair whose number is above that of `published` has been told of since, or is about to be: numbers rise only with what
 * goes to the outbox. Of several processes that compare at the same time, one tells.
 */
export function announce(pair: Pair, published: Published, policy: Policy, rules: StepRules): Step {
  if (pair.transition > published.transition) return { pair, transitions: [] };
  const last = published.transition;
  if ((pair.state?.circuitState ?? 'CLOSED') === published.to)
    return { pair: numbered(pair, last, policy), transitions: [] };
  const { state } = pair;
  const now = rules.nowMs / 1_000;
  const told = numbered(pair, nextTransition(last, rules.nowMs), policy);
  const after: TrustState = told.state ?? freshState(pair, now, policy.config, told.transition);
  const occurredAt = state === null ? now : (pair.transitionAt ?? state.lastUpdated);
  return {
    pair: { ...told, transitionAt: occurredAt },
    transitions: [
      describe(
        { from: published.to, after, previous: published.transition, occurredAt },
        { kind: 'recovery' },
        policy,
        rules,
      ),
    ],
  };
}

function numbered(pair: Pair, transition: number, policy: Policy): Pair {
  const { state } = pair;
  if (pair.transition === transition) return pair;
  const known = state === null ? null : Object.freeze({ ...underRule(state, policy.config), transition });
  return { ...pair, state: known, transition };
}
