/** One batch of interactions: what is in it, what the store made of it, and who is to be told. */
import { deliveredEvent } from '../events/delivered.js';
import { isRejection } from '../events/envelope.js';
import { type AcceptedInteraction, decodeInteraction } from '../events/interaction.js';
import type { ApplyResult, EventSource, InteractionToApply, Rejection, SourceMessage } from '../ports.js';
import { transitionClock } from '../trust/evaluator.js';
import type { Policy } from '../trust/policy.js';
import { type Refusal, refusalOf, type Work } from './work.js';

/** A message that was looked at: the event in it, or why it is none. */
export type Item =
  | { readonly message: SourceMessage; readonly event: AcceptedInteraction; readonly rejection: null }
  | { readonly message: SourceMessage; readonly event: null; readonly rejection: Rejection };

/** What came of an item: the store took its event, or it is refused. */
export type Outcome =
  | { readonly item: Item; readonly result: ApplyResult; readonly rejection: null }
  | { readonly item: Item; readonly result: null; readonly rejection: Rejection };

export function decode(work: Work, source: EventSource, message: SourceMessage): Item {
  if (message.malformed !== undefined) return { message, event: null, rejection: message.malformed };
  const decoded = decodeInteraction(deliveredEvent(source, message), work.limits);
  return isRejection(decoded)
    ? { message, event: null, rejection: decoded }
    : { message, event: decoded, rejection: null };
}

/**
 * Up to when the source is read: the time of the batch's first event, but not later than the broker took it. One
 * producer whose clock is ahead must not bring forward what is due for everybody else.
 */
export function frontierOf(items: readonly Item[]): number | null {
  for (const { event, message } of items)
    if (event !== null) return Math.min(event.time, message.receivedAt ?? event.time);
  return null;
}

/** Applies what can be applied, and says what came of each item. What the store could not do just now is `left`. */
export async function applyItems(
  work: Work,
  items: readonly Item[],
): Promise<{ readonly outcomes: readonly Outcome[]; readonly left: readonly Item[] }> {
  const accepted: AcceptedInteraction[] = [];
  for (const { event } of items) if (event !== null) accepted.push(event);
  const results = accepted.length === 0 ? [] : await apply(work, accepted);
  const outcomes: Outcome[] = [];
  const left: Item[] = [];
  let next = 0;
  for (const item of items) {
    if (item.event === null) {
      outcomes.push({ item, result: null, rejection: item.rejection });
      continue;
    }
    const result = results[next++] as ApplyResult;
    if (result.kind === 'failed') left.push(item);
    else {
      work.observer.applied?.(item.event, result);
      const rejection = refusalOf(result);
      outcomes.push(rejection === null ? { item, result, rejection } : { item, result: null, rejection });
    }
  }
  return { outcomes, left };
}

function apply(work: Work, accepted: readonly AcceptedInteraction[]): Promise<readonly ApplyResult[]> {
  const { policyOf } = work.policies();
  const policies: Policy[] = [];
  const indexOf = new Map<Policy, number>();
  const events = accepted.map((event): InteractionToApply => {
    const policy = policyOf(event.tenant, event.agentA, event.agentB);
    let index = indexOf.get(policy);
    if (index === undefined) {
      index = policies.push(policy) - 1;
      indexOf.set(policy, index);
    }
    return index === event.policy ? event : { ...event, policy: index };
  });
  return work.must('apply interactions', () =>
    work.store.apply({
      events,
      policies,
      rules: work.rules,
      nowMs: transitionClock(work.clock()),
      states: work.observer.applied !== undefined && work.observer.wantsStates !== false,
    }),
  );
}

export function refusalsOf(outcomes: readonly Outcome[]): Refusal[] {
  const refusals: Refusal[] = [];
  for (const { item, rejection } of outcomes)
    if (rejection !== null) refusals.push({ message: item.message, rejection });
  return refusals;
}

export function changedCircuits({ result }: Outcome): boolean {
  return result?.kind === 'applied' && result.transitions.length > 0;
}

/** Tells the sender, where there is one to tell. */
export function settle({ item: { message }, result, rejection }: Outcome): void {
  if (message.settle === undefined) return;
  if (rejection !== null) message.settle({ kind: 'rejected', rejection });
  else {
    const changed = result.kind === 'applied';
    message.settle({ kind: 'accepted', changed, transitions: changed ? result.transitions : [] });
  }
}
