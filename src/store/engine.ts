/**
 * One atomic step of a store that lives in this process. The memory and the embedded store differ only in
 * the ledger that they pass in; the Redis scripts do the same in Lua.
 */
import { createHash } from 'node:crypto';
import { FulcrumError } from '../errors.js';
import type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  Clock,
  CommandResult,
  CommandToApply,
  DueRequest,
  InteractionToApply,
  StoreRules,
} from '../ports.js';
import { announce } from '../trust/announce.js';
import { applyCommand } from '../trust/command.js';
import type { Policy } from '../trust/policy.js';
import { expirySeconds, isSuperseded, type Pair, unknownPair } from '../trust/record.js';
import { isPairOf, type PairNames } from '../trust/state.js';
import { applyInteraction, nextDue, recover, type Step } from '../trust/step.js';
import type { StepRules, Transition } from '../trust/transition.js';

/** Times of resets and terminates are kept as long as the interactions log keeps what they may make void. */
export const commandTimesKeptSeconds = 7 * 86_400;

/** Options of a store in this process. */
export interface LocalStoreOptions {
  /** Says when a pair that tells nothing any more is dropped. @defaultValue the system's clock */
  readonly clock?: Clock;
  /** How many of the newest event ids are remembered at least, to drop what a producer sent twice. @defaultValue 100000 */
  readonly recentIds?: number;
  /**
   * Positions this far below the acknowledged one are no longer told apart. State and positions are one here,
   * and no write of theirs is ever lost alone, so nothing acknowledged is read again. @defaultValue 0
   */
  readonly replaySpan?: number;
}

export interface PairToKeep {
  readonly pair: Pair;
  /** When the sweep has to look at it, seconds since the epoch; null: never. */
  readonly dueAt: number | null;
  /** Seconds from now after which it may be dropped; null: keep it. */
  readonly expirySeconds: number | null;
}

/** What one atomic step reads and writes. Writes count only when the whole step does. */
export interface Ledger {
  /** @throws FulcrumError `state_unreadable` */
  get(tenant: string, pairId: string): Pair | null;
  put(tenant: string, kept: PairToKeep): void;
  delete(tenant: string, pairId: string): void;
  appendOutbox(tenant: string, transition: Transition, traceparent: string | null): void;
  isApplied(source: string, sequence: number): boolean;
  setApplied(source: string, sequence: number): void;
  isDuplicate(key: string): boolean;
  setDuplicate(key: string): void;
  /** Pairs whose due time, as last put, is at or before `until`, earliest first. */
  duePairs(until: number, limit: number): readonly { readonly tenant: string; readonly pairId: string }[];
}

export function applyBatch(ledger: Ledger, batch: ApplyBatch): ApplyResult[] {
  // Before the first write: not every ledger can take one back.
  for (const { policy } of batch.events)
    if (batch.policies[policy] === undefined) throw new RangeError(`the batch has no policy ${policy}`);
  const rules = stepRules(batch.rules, batch.nowMs);
  return batch.events.map((event) => applyOne(ledger, event, batch, rules));
}

function applyOne(
  ledger: Ledger,
  event: InteractionToApply,
  batch: ApplyBatch,
  rules: StepRules,
): ApplyResult {
  const { tenant, pairId, position } = event;
  if (position !== null && ledger.isApplied(position.source, position.sequence)) return { kind: 'repeat' };
  const known = lookUp(ledger, tenant, event);
  if ('kind' in known) return known;

  // From here on the event counts as applied, whatever it changes.
  if (position !== null) ledger.setApplied(position.source, position.sequence);
  if (event.duplicateKey !== null) {
    const key = digestKey(tenant, pairId, event.duplicateKey);
    if (ledger.isDuplicate(key)) return { kind: 'duplicate' };
    ledger.setDuplicate(key);
  }
  if (batch.rules.streamed && isSuperseded(known, event.time)) return { kind: 'superseded' };

  const policy = batch.policies[event.policy] as Policy;
  const step = applyInteraction(known, event, event.eventId, policy, rules);
  keep(ledger, tenant, step, policy, batch.rules.streamed, rules, event.traceparent);
  return {
    kind: 'applied',
    state: step.pair.state as NonNullable<Pair['state']>,
    transitions: step.transitions,
  };
}

export function applyCommandTo(ledger: Ledger, command: CommandToApply): CommandResult {
  const { tenant, policy } = command;
  const known = lookUp(ledger, tenant, command);
  if ('kind' in known) return known;
  const rules = stepRules(command.rules, command.nowMs);
  // Without a log the order of the calls is the order of the commands, whatever the clock does.
  const target = command.rules.streamed ? known : { ...known, resetTime: null, terminateTime: null };
  const step = applyCommand(target, command, command.eventId, policy, rules);
  if (command.rules.streamed || step.pair.state !== null)
    keep(ledger, tenant, step, policy, command.rules.streamed, rules, command.traceparent);
  else ledger.delete(tenant, command.pairId);
  return {
    kind: 'applied',
    before: known.state,
    state: step.pair.state,
    transitions: step.transitions,
  };
}

/** Makes what is due by `request.until`; returns how many pairs were looked at. */
export function makeDue(ledger: Ledger, request: DueRequest): number {
  const { publishes = true, nowMs } = request;
  const rules = stepRules({ timedRecovery: true, streamed: true, publishes }, nowMs);
  const due = ledger.duePairs(request.until, request.limit);
  // The caller's code runs before the first write: not every ledger can take one back.
  const known = due.flatMap(({ tenant, pairId }) => {
    const pair = ledger.get(tenant, pairId);
    return pair === null
      ? []
      : [{ tenant, pair, policy: request.policyOf(tenant, pair.agentA, pair.agentB) }];
  });
  for (const { tenant, pair, policy } of known) {
    const step = recover(pair, request.until, policy, rules) ?? { pair, transitions: [] };
    keep(ledger, tenant, step, policy, true, rules, null);
  }
  return due.length;
}

/** Compares one pair's circuit with the one that was published last, and tells of it where they differ. */
export function announceIn(ledger: Ledger, request: AnnounceRequest): AnnounceResult {
  const { tenant, policy, timedRecovery, nowMs } = request;
  const known = lookUp(ledger, tenant, request);
  if ('kind' in known) return known;
  const rules = stepRules({ timedRecovery, streamed: true }, nowMs);
  const step = announce(known, request.published, policy, rules);
  const [transition] = step.transitions;
  // A pair of which nothing is stored is told of, and nothing is stored of it.
  const isStored = ledger.get(tenant, request.pairId) !== null;
  if (isStored && step.pair !== known) keep(ledger, tenant, step, policy, true, rules, null);
  else if (transition !== undefined) ledger.appendOutbox(tenant, transition, null);
  return transition === undefined ? { kind: 'agreed' } : { kind: 'announced', transition };
}

function stepRules({ timedRecovery, publishes = true }: StoreRules, nowMs: number): StepRules {
  return { timedRecovery, publishes, nowMs };
}

/** The pair of an event, or why the event cannot be applied to what is stored under its pair id. */
function lookUp(
  ledger: Ledger,
  tenant: string,
  names: PairNames,
): Pair | Extract<ApplyResult, { kind: 'rejected' }> {
  let pair: Pair | null;
  try {
    pair = ledger.get(tenant, names.pairId);
  } catch (error) {
    if (!(error instanceof FulcrumError && error.code === 'state_unreadable')) throw error;
    return { kind: 'rejected', reason: 'state_unreadable', detail: error.message };
  }
  if (pair === null) return unknownPair(names);
  if (isPairOf(pair, names)) return pair;
  return {
    kind: 'rejected',
    reason: 'pair_id_collision',
    detail: `pair id ${names.pairId} belongs to other agents`,
  };
}

function keep(
  ledger: Ledger,
  tenant: string,
  step: Step,
  policy: Policy,
  streamed: boolean,
  rules: StepRules,
  traceparent: string | null,
): void {
  ledger.put(tenant, {
    pair: step.pair,
    dueAt: nextDue(step.pair, policy, rules),
    expirySeconds: streamed ? expirySeconds(step.pair, policy, commandTimesKeptSeconds) : null,
  });
  if (streamed && rules.publishes !== false)
    for (const transition of step.transitions) ledger.appendOutbox(tenant, transition, traceparent);
}

/** 96 bits of SHA-256: short to keep, and no two events of any real log share one. */
function digestKey(tenant: string, pairId: string, key: string): string {
  return createHash('sha256').update(`${tenant}/${pairId}/${key}`, 'utf8').digest('base64').slice(0, 16);
}
