import type { Policy } from './policy.js';
import type { Pair } from './record.js';
import { freshState, type TrustState, underRule } from './state.js';
import type { Step } from './step.js';
import { type Cause, describe, numberAfter, type StepRules } from './transition.js';

/** What an operator can do with a pair. */
export type CommandAction = 'terminate' | 'reset';

export interface Command {
  readonly action: CommandAction;
  /** The command's own time, seconds since the epoch: commands are ordered by it. */
  readonly time: number;
  readonly actor: string;
  readonly reason: string;
  /**
   * A reset takes effect no earlier than this, seconds since the epoch: where it is applied again, when it did the first
   * time. Absent: that follows from the pair alone.
   */
  readonly takesEffectAt?: number;
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
  if (pair.resetTime !== null && command.time <= pair.resetTime)
    return { pair: withEffectOf(pair, command), transitions: [] };
  const cause: Cause = { kind: 'operator', eventId, actor: command.actor, reason: command.reason };
  return command.action === 'terminate'
    ? terminate(pair, command, cause, policy, rules)
    : reset(pair, command, cause, policy, rules);
}

/**
 * The pair after a command that is not after its last reset. A reset that is applied again took effect once, and what
 * lies before that does not count, though a later command came back before it.
 */
function withEffectOf(pair: Pair, { action, takesEffectAt = Number.NEGATIVE_INFINITY }: Command): Pair {
  const isKnown = action !== 'reset' || pair.resetAt === null || takesEffectAt <= pair.resetAt;
  return isKnown ? pair : { ...pair, resetAt: takesEffectAt };
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
  const transition = numberAfter(pair.transition, rules);
  const after: TrustState = Object.freeze({
    ...underRule(state, policy.config),
    circuitState: 'TERMINATED',
    transition,
  });
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
  const evidenceAt = state === null || state.interactionCount === 0 ? command.time : state.lastUpdated;
  const resetAt = Math.max(command.time, evidenceAt, command.takesEffectAt ?? command.time);
  const times = { resetTime, resetAt: Math.max(resetAt, pair.resetAt ?? resetAt) };
  if (state === null) return { pair: { ...pair, ...times }, transitions: [] };
  if (staysTerminated && state.interactionCount === 0)
    return { pair: { ...pair, ...times }, transitions: [] };
  const transition = numberAfter(pair.transition, rules);
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
