/**
 * What a stream processor does to one pair: an interaction, an operator's command, a recovery that is due.
 * Each is a pure function from what is known of the pair to what is known after it, with the changes of the
 * circuit on the way. The stores run these; the Redis scripts are their translation.
 */
import { score } from './beta.js';
import type { CircuitState } from './circuit.js';
import { decay, forgettingSeconds } from './decay.js';
import { nextTransition, updateState } from './evaluator.js';
import { recoversAt } from './forecast.js';
import type { TrustOutcome } from './outcome.js';
import type { Policy } from './policy.js';
import { freshState, type PairNames, type TrustState } from './state.js';

/** All that is kept of a pair. Times are seconds since the epoch. */
export interface Pair extends PairNames {
  /** null after a reset: only the times below are left. */
  readonly state: TrustState | null;
  /** Number of the pair's last transition, 0 if there was none. */
  readonly transition: number;
  /** `occurredAt` of the pair's last transition. */
  readonly transitionAt: number | null;
  /** The last reset's own time, by which commands are ordered. */
  readonly resetTime: number | null;
  /** When the last reset took effect: interactions not after it are superseded. */
  readonly resetAt: number | null;
  /** The last terminate's own time. */
  readonly terminateTime: number | null;
}

export interface Interaction {
  readonly outcome: TrustOutcome;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly weight: number;
}

export type CommandAction = 'terminate' | 'reset';

export type Cause =
  | { readonly kind: 'interaction'; readonly eventId: string; readonly outcome: TrustOutcome }
  | { readonly kind: 'recovery' }
  | { readonly kind: 'operator'; readonly eventId: string; readonly actor: string; readonly reason: string };

export type TransitionType = 'opened' | 'half_opened' | 'closed' | 'terminated' | 'reset';

/** A change of one pair's circuit, with what held right after it. Times are seconds since the epoch. */
export interface Transition extends PairNames {
  readonly type: TransitionType;
  readonly from: CircuitState;
  readonly to: CircuitState;
  readonly trustScore: number;
  readonly alpha: number;
  readonly beta: number;
  readonly interactionCount: number;
  readonly threshold: number;
  readonly policy: { readonly name: string; readonly version: number };
  readonly enforced: boolean;
  readonly transition: number;
  readonly previousTransition: number;
  readonly occurredAt: number;
  /** On `opened`: when the circuit will move by itself if the pair stays silent; null if never. */
  readonly recoversAt: number | null;
  readonly cause: Cause;
}

export interface Step {
  readonly pair: Pair;
  readonly transitions: readonly Transition[];
}

export interface StepRules {
  /** Circuits of silent pairs recover by time. */
  readonly timedRecovery: boolean;
  /** The applying process's clock, whole ms since the epoch. */
  readonly nowMs: number;
}

/** A pair of which nothing is known. */
export function unknownPair(names: PairNames): Pair {
  return {
    pairId: names.pairId,
    agentA: names.agentA,
    agentB: names.agentB,
    state: null,
    transition: 0,
    transitionAt: null,
    resetTime: null,
    resetAt: null,
    terminateTime: null,
  };
}

/** Whether a reset has made an interaction of time `t` void. */
export function isSuperseded(pair: Pair, t: number): boolean {
  return pair.resetAt !== null && t <= pair.resetAt;
}

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
  // Older than the last change of the circuit: no answer to the probe that this change let through.
  const verdict =
    state.circuitState !== 'HALF_OPEN' || pair.transitionAt === null || time >= pair.transitionAt;
  const next = updateState(state, outcome, time, weight, policy.config, rules.nowMs, verdict);
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

const none: readonly Transition[] = Object.freeze([]);

/** Written out: every interaction goes through here, and a spread costs several times as much. */
function withState(pair: Pair, state: TrustState, transitionAt: number | null): Pair {
  return {
    pairId: pair.pairId,
    agentA: pair.agentA,
    agentB: pair.agentB,
    state,
    transition: state.transition,
    transitionAt,
    resetTime: pair.resetTime,
    resetAt: pair.resetAt,
    terminateTime: pair.terminateTime,
  };
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
  const transition = nextTransition(pair.transition, rules.nowMs);
  const halfOpens = policy.config.recoveryCooldownSeconds !== null;
  const after: TrustState = halfOpens
    ? Object.freeze({ ...state, circuitState: 'HALF_OPEN', transition })
    : decayTo(state, dueAt, policy, transition);
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

export interface Command {
  readonly action: CommandAction;
  /** The command's own time, seconds since the epoch: commands are ordered by it. */
  readonly time: number;
  readonly actor: string;
  readonly reason: string;
}

/**
 * Applies one operator's command. Commands are idempotent and ordered by their own time: one that is not
 * after the last reset changes nothing, and a reset older than the last terminate clears the evidence and
 * leaves the pair TERMINATED.
 */
export function applyCommand(
  pair: Pair,
  command: Command,
  eventId: string,
  policy: Policy,
  rules: StepRules,
): Step {
  if (pair.resetTime !== null && command.time <= pair.resetTime) return { pair, transitions: [] };
  const cause: Cause = { kind: 'operator', eventId, actor: command.actor, reason: command.reason };
  return command.action === 'terminate'
    ? terminate(pair, command, cause, policy, rules)
    : reset(pair, command, cause, policy, rules);
}

function terminate(pair: Pair, command: Command, cause: Cause, policy: Policy, rules: StepRules): Step {
  const terminateTime = Math.max(command.time, pair.terminateTime ?? command.time);
  const state = pair.state ?? freshState(pair, command.time, policy.config, pair.transition);
  if (state.circuitState === 'TERMINATED') {
    // Without evidence the state stands at its terminate, and of several that is the last, whatever came first.
    const bare = pair.terminateTime !== null && state.interactionCount === 0;
    const kept = bare ? Object.freeze({ ...state, lastUpdated: terminateTime }) : state;
    return { pair: { ...pair, state: kept, terminateTime }, transitions: [] };
  }
  const transition = nextTransition(pair.transition, rules.nowMs);
  const after: TrustState = Object.freeze({ ...state, circuitState: 'TERMINATED', transition });
  const occurredAt = command.time;
  return {
    pair: { ...pair, state: after, transition, transitionAt: occurredAt, terminateTime },
    transitions: [
      describe(
        { from: state.circuitState, after, previous: pair.transition, occurredAt },
        cause,
        policy,
        rules,
      ),
    ],
  };
}

function reset(pair: Pair, command: Command, cause: Cause, policy: Policy, rules: StepRules): Step {
  const { state, terminateTime } = pair;
  const resetTime = command.time;
  const staysTerminated = terminateTime !== null && command.time < terminateTime;
  // A pair that only a terminate has touched has no evidence: its lastUpdated is no time of an interaction.
  const resetAt =
    state === null || state.interactionCount === 0 ? command.time : Math.max(command.time, state.lastUpdated);
  const times = { resetTime, resetAt: Math.max(resetAt, pair.resetAt ?? resetAt) };
  if (state === null) return { pair: { ...pair, ...times }, transitions: [] };
  if (staysTerminated && state.interactionCount === 0)
    return { pair: { ...pair, ...times }, transitions: [] };
  const transition = nextTransition(pair.transition, rules.nowMs);
  const fresh = freshState(pair, staysTerminated ? terminateTime : times.resetAt, policy.config, transition);
  const after: TrustState = staysTerminated ? Object.freeze({ ...fresh, circuitState: 'TERMINATED' }) : fresh;
  return {
    pair: {
      ...pair,
      ...times,
      state: staysTerminated ? after : null,
      transition,
      transitionAt: times.resetAt,
    },
    transitions: [
      describe(
        { from: state.circuitState, after, previous: pair.transition, occurredAt: times.resetAt },
        cause,
        policy,
        rules,
        'reset',
      ),
    ],
  };
}

const typeOf: Record<CircuitState, TransitionType> = {
  CLOSED: 'closed',
  OPEN: 'opened',
  HALF_OPEN: 'half_opened',
  TERMINATED: 'terminated',
};

interface Change {
  readonly from: CircuitState;
  readonly after: TrustState;
  readonly previous: number;
  readonly occurredAt: number;
}

function describe(
  change: Change,
  cause: Cause,
  policy: Policy,
  rules: StepRules,
  type: TransitionType = typeOf[change.after.circuitState],
): Transition {
  const { after } = change;
  return {
    type,
    pairId: after.pairId,
    agentA: after.agentA,
    agentB: after.agentB,
    from: change.from,
    to: after.circuitState,
    trustScore: after.trustScore,
    alpha: after.alpha,
    beta: after.beta,
    interactionCount: after.interactionCount,
    threshold: policy.config.threshold,
    policy: { name: policy.name, version: policy.version },
    enforced: policy.enforced,
    transition: after.transition,
    previousTransition: change.previous,
    occurredAt: change.occurredAt,
    recoversAt: type === 'opened' && rules.timedRecovery ? recoversAt(after, policy.config) : null,
    cause,
  };
}

/**
 * Seconds from now after which a stored pair tells nothing any more and may be dropped; null: keep it.
 *
 * @param keepCommandsSeconds how long the times of a reset and a terminate are kept: as long as the log keeps
 *   interactions, which they may still make void.
 */
export function expirySeconds(pair: Pair, policy: Policy, keepCommandsSeconds: number): number | null {
  const { state } = pair;
  const commands = pair.resetTime === null && pair.terminateTime === null ? 0 : keepCommandsSeconds;
  if (state === null) return commands;
  const { alphaPrior, betaPrior, halfLifeSeconds } = policy.config;
  const forgettable =
    state.circuitState === 'CLOSED' &&
    alphaPrior === 1 &&
    betaPrior === 1 &&
    Number.isFinite(halfLifeSeconds);
  return forgettable ? Math.max(commands, forgettingSeconds(state, halfLifeSeconds)) : null;
}
