/**
 * What a stream processor does to one pair when an interaction comes or a recovery is due (`command.ts` has the
 * operator's part). Each is a pure function from what is known of the pair to what is known after it, with the
 * changes of the circuit on the way. The stores run these; the Redis scripts are their translation.
 */
import { score } from './beta.js';
import type { TrustConfig } from './config.js';
import { decay } from './decay.js';
import { updateState } from './evaluator.js';
import { recoversAt } from './forecast.js';
import type { TrustOutcome } from './outcome.js';
import type { Policy } from './policy.js';
import { type Pair, withState } from './record.js';
import { freshState, type TrustState, underRule } from './state.js';
import { describe, numberAfter, type StepRules, type Transition } from './transition.js';

export interface Interaction {
  readonly outcome: TrustOutcome;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly weight: number;
  /** Number of the transition that half-opened the circuit under which the call ran, if its sender says so. */
  readonly probe?: number | undefined;
}

export interface Step {
  readonly pair: Pair;
  readonly transitions: readonly Transition[];
}

const none: readonly Transition[] = Object.freeze([]);

/**
 * Applies one interaction that no reset has superseded. What was due by its time is made first, as a
 * transition of its own, so the result does not depend on when a timer ran.
 */
export function applyInteraction(
  before: Pair,
  interaction: Interaction,
  eventId: string,
  policy: Policy,
  rules: StepRules,
): Step {
  const due = rules.timedRecovery ? recover(before, interaction.time, policy, rules) : null;
  const pair = due?.pair ?? before;
  const { outcome, time, weight } = interaction;
  const state = pair.state ?? freshState(pair, time, policy.config, pair.transition);
  const judged = isJudged(pair, state, interaction, policy.config, rules);
  const number = numberAfter(state.transition, rules);
  const next = updateState(state, outcome, time, weight, policy.config, number, judged);
  if (next.circuitState === state.circuitState)
    return { pair: withState(pair, next, pair.transitionAt), transitions: due?.transitions ?? none };
  const transition = describe(
    { from: state.circuitState, after: next, previous: pair.transition, occurredAt: next.lastUpdated },
    { kind: 'interaction', eventId, outcome },
    policy,
    rules,
  );
  return {
    pair: withState(pair, next, next.lastUpdated),
    transitions: due === null ? [transition] : [...due.transitions, transition],
  };
}

/**
 * Whether an interaction may move the circuit. One that is older than the circuit's last change is no answer to the
 * probe which that change let through, nor, under `change`, a part of what has happened since.
 */
function isJudged(
  pair: Pair,
  state: TrustState,
  { time, probe }: Interaction,
  config: TrustConfig,
  { publishes }: StepRules,
): boolean {
  const halfOpen = state.circuitState === 'HALF_OPEN';
  if (!halfOpen && config.opening === 'mean') return true;
  if (pair.transitionAt !== null && time < pair.transitionAt) return false;
  if (!halfOpen || config.probes === 'any') return true;
  // Where events are applied again without telling anybody, the circuit's own number is of some time before.
  return publishes === false ? probe !== undefined && probe >= pair.transition : probe === pair.transition;
}

/**
 * Makes the recovery that is due by `until`, or returns null when none is. The due time is worked out anew
 * under `policy`; the score or the cooldown is not compared again, or rounding would make it spin.
 */
export function recover(pair: Pair, until: number, policy: Policy, rules: StepRules): Step | null {
  const { state } = pair;
  if (state === null) return null;
  const dueAt = recoversAt(state, policy.config);
  if (dueAt === null || dueAt > until) return null;
  const transition = numberAfter(pair.transition, rules);
  const halfOpens = policy.config.recoveryCooldownSeconds !== null;
  const known = underRule(state, policy.config);
  const after: TrustState = halfOpens
    ? Object.freeze({ ...known, circuitState: 'HALF_OPEN', transition })
    : decayTo(known, dueAt, policy, transition);
  return {
    pair: { ...pair, state: after, transition, transitionAt: dueAt },
    transitions: [
      describe(
        { from: state.circuitState, after, previous: pair.transition, occurredAt: dueAt },
        { kind: 'recovery' },
        policy,
        rules,
      ),
    ],
  };
}

function decayTo(state: TrustState, t: number, policy: Policy, transition: number): TrustState {
  const evidence = decay(state, t - state.lastUpdated, policy.config.halfLifeSeconds);
  return Object.freeze({
    ...state,
    ...evidence,
    trustScore: score(evidence),
    lastUpdated: t,
    circuitState: 'CLOSED',
    transition,
  });
}

/** When the stored pair is to be looked at again, or null: the time that `recover` would act on. */
export function nextDue(pair: Pair, policy: Policy, rules: StepRules): number | null {
  return rules.timedRecovery && pair.state !== null ? recoversAt(pair.state, policy.config) : null;
}
