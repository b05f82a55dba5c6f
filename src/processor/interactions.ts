import { setImmediate as nextTurn } from 'node:timers/promises';
import { isRejection } from '../events/envelope.js';
import { type AcceptedInteraction, decodeInteraction } from '../events/interaction.js';
import type { ApplyResult, EventSource, Rejection, SourceBatch, SourceMessage } from '../ports.js';
import { transitionClock } from '../trust/evaluator.js';
import type { Policy } from '../trust/policy.js';
import type { Sweep } from './sweep.js';
import { deliveredEvent, refusalOf, refuse, type Work } from './work.js';

/** How often the store is told how far a source is acknowledged, in ms. */
const markEveryMs = 1_000;

/** One message, and what came of it so far. */
type Item =
  | { readonly message: SourceMessage; readonly event: AcceptedInteraction; readonly rejection: null }
  | { readonly message: SourceMessage; readonly event: null; readonly rejection: Rejection };

type Outcome =
  | { readonly message: SourceMessage; readonly result: ApplyResult; readonly rejection: null }
  | { readonly message: SourceMessage; readonly result: null; readonly rejection: Rejection };

/** Reads interactions to the end of the source: decode, apply, publish, acknowledge. */
export async function runInteractions(work: Work, sweep: Sweep, source: EventSource): Promise<void> {
  const mark = marker(work, source);
  for (;;) {
    const batch = await work.must(`read ${source.name}`, () => source.read(work.maxBatch, work.idleMs));
    if (batch === null || batch.messages.length === 0) {
      await sweepTo(work, sweep, source, work.clock());
    } else {
      await processBatch(work, sweep, source, batch);
      mark.acknowledged = (batch.messages.at(-1) as SourceMessage).position.sequence;
    }
    if (!work.shared) await mark.write(batch === null);
    if (batch === null) break;
    // A backlog that a source and a store in this process can serve at once must not starve all else.
    await nextTurn();
  }
  sweep.leave(source.name);
}

async function processBatch(
  work: Work,
  sweep: Sweep,
  source: EventSource,
  batch: SourceBatch,
): Promise<void> {
  const items = batch.messages.map((message) => decode(work, source, message));
  const accepted = items.flatMap(({ event }) => (event === null ? [] : [event]));
  const frontier = frontierOf(items);
  if (frontier !== null) await sweepTo(work, sweep, source, frontier);
  const results = accepted.length === 0 ? [] : await apply(work, accepted);
  const outcomes = join(items, results);
  accepted.forEach((event, i) => void work.observer.applied?.(event, results[i] as ApplyResult));
  await refuse(
    work,
    source,
    outcomes.flatMap(({ message, rejection }) => (rejection === null ? [] : [{ message, rejection }])),
  );
  // What is in a shared outbox is safe there, and a transition seldom.
  if (!work.shared) await work.publish();
  else if (results.some(moved)) publishSoon(work);
  for (const outcome of outcomes) settle(outcome);
  await work.must(`acknowledge ${source.name}`, () => batch.ack());
}

const moved = (result: ApplyResult): boolean => result.kind === 'applied' && result.transitions.length > 0;

/** Not waited for; where it fails, the processor's own loop tries again. */
function publishSoon(work: Work): void {
  work.publish().catch(() => {});
}

/**
 * Up to when the source is read: the time of the batch's first event, but not later than the broker took it. One
 * producer whose clock is ahead must not bring forward what is due for everybody else.
 */
function frontierOf(items: readonly Item[]): number | null {
  for (const { event, message } of items)
    if (event !== null) return Math.min(event.time, message.receivedAt ?? event.time);
  return null;
}

function decode(work: Work, source: EventSource, message: SourceMessage): Item {
  if (message.malformed !== undefined) return { message, event: null, rejection: message.malformed };
  const decoded = decodeInteraction(deliveredEvent(source, message), work.limits);
  return isRejection(decoded)
    ? { message, event: null, rejection: decoded }
    : { message, event: decoded, rejection: null };
}

function apply(work: Work, accepted: readonly AcceptedInteraction[]): Promise<readonly ApplyResult[]> {
  const { policyOf } = work.policies();
  const policies: Policy[] = [];
  const indexOf = new Map<Policy, number>();
  const events = accepted.map((event) => {
    const policy = policyOf(event.tenant, event.agentA, event.agentB);
    let index = indexOf.get(policy);
    if (index === undefined) {
      index = policies.push(policy) - 1;
      indexOf.set(policy, index);
    }
    return { ...event, policy: index };
  });
  return work.must('apply interactions', () =>
    work.store.apply({
      events,
      policies,
      rules: work.rules,
      nowMs: transitionClock(work.clock()),
      states: work.observer.applied !== undefined,
    }),
  );
}

/** Puts the store's results, one for each accepted event, beside the messages. */
function join(items: readonly Item[], results: readonly ApplyResult[]): Outcome[] {
  let next = 0;
  return items.map(({ message, rejection }) => {
    if (rejection !== null) return { message, result: null, rejection };
    const result = results[next++] as ApplyResult;
    const refusal = refusalOf(result);
    return refusal === null
      ? { message, result, rejection: null }
      : { message, result: null, rejection: refusal };
  });
}

function settle({ message, result, rejection }: Outcome): void {
  if (message.settle === undefined) return;
  if (rejection !== null) message.settle({ kind: 'rejected', rejection });
  else {
    const changed = result.kind === 'applied';
    message.settle({ kind: 'accepted', changed, transitions: changed ? result.transitions : [] });
  }
}

async function sweepTo(work: Work, sweep: Sweep, source: EventSource, t: number): Promise<void> {
  if (!work.rules.timedRecovery || work.shared) return;
  sweep.advance(source.name, t);
  for (;;) {
    const step = await work.must('make recoveries', () => sweep.step());
    if (step.found) await work.publish();
    if (!step.more) return;
    await nextTurn();
  }
}

/** Tells the store about once a second how far a source is acknowledged. */
function marker(work: Work, source: EventSource) {
  let dueAt = Date.now() + markEveryMs;
  let marked = 0;
  return {
    acknowledged: 0,
    async write(now: boolean): Promise<void> {
      const { acknowledged } = this;
      if (acknowledged === marked || !(now || Date.now() >= dueAt)) return;
      dueAt = Date.now() + markEveryMs;
      await work.must('write the mark', () => work.store.mark([{ source: source.name, acknowledged }]));
      marked = acknowledged;
    },
  };
}
