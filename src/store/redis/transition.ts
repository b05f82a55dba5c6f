import type { OutboxEntry } from '../../ports.js';
import { score } from '../../trust/beta.js';
import type { ChangeState } from '../../trust/change.js';
import { circuitStates } from '../../trust/circuit.js';
import { type ChangeRates, tellChange } from '../../trust/explain.js';
import { trustOutcomes } from '../../trust/outcome.js';
import type { Policy } from '../../trust/policy.js';
import type { Cause, Transition, TransitionType } from '../../trust/transition.js';

const types: readonly TransitionType[] = ['opened', 'half_opened', 'closed', 'terminated', 'reset'];
/** What circuit events say of a policy, as a script carries it through. */
interface PolicyText {
  readonly name: string;
  readonly version: number;
  readonly threshold: number;
  readonly enforced: boolean;
  /** Under `opening: change`. */
  readonly change?: ChangeRates;
}

export function policyText(policy: Policy): string {
  const { name, version, enforced, config } = policy;
  const { threshold, evidence, badRate, normalRate, normalMax } = config;
  const text: PolicyText = { name, version, threshold, enforced };
  if (config.opening === 'mean') return JSON.stringify(text);
  return JSON.stringify({
    ...text,
    change: { evidence, badRate, normalRate, normalMax },
  } satisfies PolicyText);
}

/**
 * A change of a circuit, as the scripts write it, little-endian:
 *
 *     u8   version 1, type, from, to, cause (0 interaction, 1 recovery, 2 operator), outcome
 *     f64  alpha, beta, interactionCount, transition, previousTransition, occurredAt, recoversAt (NaN: null)
 *     text agentA, agentB, policy, event id, traceparent, actor, reason: u32 bytes, UTF-8
 *     f64  evidence, nonFailures, failureRuns, furtherFailures, failureRun       if its policy opens on a change
 */
export function unpackTransition(tenant: string, pairId: string, buffer: Buffer): Omit<OutboxEntry, 'id'> {
  const [, type = 0, from = 0, to = 0, cause = 0, outcome = 0] = buffer.subarray(0, 6);
  let at = 6;
  const number = (): number => {
    at += 8;
    return buffer.readDoubleLE(at - 8);
  };
  const text = (): string => {
    const start = at + 4;
    at = start + buffer.readUInt32LE(at);
    return buffer.toString('utf8', start, at);
  };
  const [alpha, beta, interactionCount] = [number(), number(), number()];
  const [transition, previousTransition, occurredAt, recoversAt] = [number(), number(), number(), number()];
  const [agentA, agentB] = [text(), text()];
  const { name, version, threshold, enforced, change } = JSON.parse(text()) as PolicyText;
  const [eventId, traceparent, actor, reason] = [text(), text(), text(), text()];
  const known = (): ChangeState => ({
    evidence: number(),
    nonFailures: number(),
    failureRuns: number(),
    furtherFailures: number(),
    failureRun: number(),
  });
  const state = circuitStates[to] ?? 'CLOSED';
  return {
    tenant,
    traceparent: traceparent === '' ? null : traceparent,
    transition: {
      type: types[type] ?? 'opened',
      pairId,
      agentA,
      agentB,
      from: circuitStates[from] ?? 'CLOSED',
      to: state,
      trustScore: score({ alpha, beta }),
      alpha,
      beta,
      interactionCount,
      threshold,
      policy: { name, version },
      enforced,
      transition,
      previousTransition,
      occurredAt,
      recoversAt: Number.isNaN(recoversAt) ? null : recoversAt,
      cause: causeOf(cause, eventId, outcome, actor, reason),
      ...(change === undefined ? {} : { change: tellChange(known(), state, change) }),
    } satisfies Transition,
  };
}

function causeOf(kind: number, eventId: string, outcome: number, actor: string, reason: string): Cause {
  if (kind === 0) return { kind: 'interaction', eventId, outcome: trustOutcomes[outcome] ?? 'failure' };
  return kind === 1 ? { kind: 'recovery' } : { kind: 'operator', eventId, actor, reason };
}
