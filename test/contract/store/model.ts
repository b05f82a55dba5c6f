/**
 * What every store has to agree with: the pure functions of src/trust/step.ts, folded over maps and sets in
 * the plainest way. It says what comes of a call and nothing about how a store remembers it.
 */
import type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  CommandResult,
  CommandToApply,
  InteractionToApply,
  OutboxEntry,
  StoreRules,
} from '../../../src/ports.js';
import { announce } from '../../../src/trust/announce.js';
import { applyCommand } from '../../../src/trust/command.js';
import type { Policy } from '../../../src/trust/policy.js';
import { expirySeconds, isSuperseded, type Pair, unknownPair } from '../../../src/trust/record.js';
import type { PairNames } from '../../../src/trust/state.js';
import { applyInteraction, nextDue, recover, type Step } from '../../../src/trust/step.js';
import { day } from './given.js';

type Outbox = Omit<OutboxEntry, 'id'>;

interface Kept {
  readonly tenant: string;
  readonly pair: Pair;
  /** The policy under which it was kept: sweeps of the model use it too. */
  readonly policy: Policy;
  readonly dueAt: number | null;
  readonly expiresAt: number;
}

/** What can be told of a result: the words of a rejection are the store's own. */
export type Told = ApplyResult | CommandResult | { readonly kind: 'rejected'; readonly reason: string };

export class StoreModel {
  outbox: Outbox[] = [];
  private readonly pairs = new Map<string, Kept>();
  private readonly applied = new Map<string, Set<number>>();
  /** Positions up to it count as applied. */
  private readonly floors = new Map<string, number>();
  private readonly keys = new Set<string>();

  constructor(
    private readonly clock: () => number,
    private readonly replaySpan: number,
  ) {}

  apply(batch: ApplyBatch): Told[] {
    return batch.events.map((event) => this.applyOne(event, batch));
  }

  private applyOne(event: InteractionToApply, batch: ApplyBatch): Told {
    const { tenant, position, duplicateKey } = event;
    const applied = position === null ? null : this.positionsOf(position.source);
    if (
      position !== null &&
      (applied?.has(position.sequence) || position.sequence <= this.floor(position.source))
    )
      return { kind: 'repeat' };
    const pair = this.pairFor(tenant, event);
    if (pair === null) return { kind: 'rejected', reason: 'pair_id_collision' };
    if (position !== null) applied?.add(position.sequence);
    const key = JSON.stringify([tenant, event.pairId, duplicateKey]);
    if (duplicateKey !== null && this.keys.has(key)) return { kind: 'duplicate' };
    if (duplicateKey !== null) this.keys.add(key);
    if (batch.rules.streamed && isSuperseded(pair, event.time)) return { kind: 'superseded' };
    const policy = batch.policies[event.policy] as Policy;
    const { timedRecovery, publishes = true } = batch.rules;
    const rules = { timedRecovery, publishes, nowMs: batch.nowMs };
    const step = applyInteraction(pair, event, event.eventId, policy, rules);
    this.keep(tenant, step, policy, { ...batch.rules, nowMs: batch.nowMs }, event.traceparent);
    return { kind: 'applied', state: step.pair.state as never, transitions: step.transitions };
  }

  command(command: CommandToApply): Told {
    const { tenant, policy, nowMs } = command;
    const pair = this.pairFor(tenant, command);
    if (pair === null) return { kind: 'rejected', reason: 'pair_id_collision' };
    const { streamed, timedRecovery, publishes = true } = command.rules;
    const target = streamed ? pair : { ...pair, resetTime: null, terminateTime: null };
    const step = applyCommand(target, command, command.eventId, policy, { timedRecovery, publishes, nowMs });
    if (streamed || step.pair.state !== null)
      this.keep(tenant, step, policy, { streamed, timedRecovery, publishes, nowMs }, command.traceparent);
    else this.pairs.delete(keyOf(tenant, command.pairId));
    return {
      kind: 'applied',
      before: pair.state,
      state: step.pair.state,
      transitions: step.transitions,
    };
  }

  /** Makes all that is due by `until`. */
  due(until: number, nowMs: number, publishes: boolean): void {
    const rules = { streamed: true, timedRecovery: true, publishes, nowMs };
    for (const { tenant, pair, policy, dueAt } of [...this.pairs.values()]) {
      if (dueAt === null || dueAt > until) continue;
      const step = recover(pair, until, policy, rules);
      if (step !== null) this.keep(tenant, step, policy, rules, null);
    }
  }

  announce(request: AnnounceRequest): AnnounceResult | Told {
    const { tenant, published, policy, timedRecovery, nowMs } = request;
    const pair = this.pairFor(tenant, request);
    if (pair === null) return { kind: 'rejected', reason: 'pair_id_collision' };
    const rules = { streamed: true, timedRecovery, nowMs };
    const step = announce(pair, published, policy, rules);
    const [transition] = step.transitions;
    if (this.read(tenant, request.pairId) === null)
      this.outbox.push(...step.transitions.map((made) => ({ tenant, transition: made, traceparent: null })));
    else if (step.pair !== pair) this.keep(tenant, step, policy, rules, null);
    return transition === undefined ? { kind: 'agreed' } : { kind: 'announced', transition };
  }

  policyOf(tenant: string, pairId: string): Policy {
    return (this.pairs.get(keyOf(tenant, pairId)) as Kept).policy;
  }

  read(tenant: string, pairId: string): Pair | null {
    const kept = this.pairs.get(keyOf(tenant, pairId));
    return kept === undefined || kept.expiresAt <= this.clock() ? null : kept.pair;
  }

  circuits(): { tenant: string; pair: Pair }[] {
    return [...this.pairs.values()]
      .filter(({ pair }) => pair.state !== null && pair.state.circuitState !== 'CLOSED')
      .map(({ tenant, pair }) => ({ tenant, pair }));
  }

  lastApplied(source: string): number {
    return Math.max(this.floor(source), ...(this.applied.get(source) ?? []));
  }

  mark(source: string, acknowledged: number): void {
    this.floors.set(source, Math.max(this.floor(source), acknowledged - this.replaySpan));
  }

  private floor(source: string): number {
    return this.floors.get(source) ?? 0;
  }

  private pairFor(tenant: string, names: PairNames): Pair | null {
    const pair = this.read(tenant, names.pairId);
    if (pair === null) return unknownPair(names);
    const both = ({ agentA, agentB }: PairNames) => JSON.stringify([agentA, agentB].sort());
    return both(pair) === both(names) ? pair : null;
  }

  private keep(
    tenant: string,
    { pair, transitions }: Step,
    policy: Policy,
    rules: StoreRules & { readonly nowMs: number },
    traceparent: string | null,
  ): void {
    const seconds = rules.streamed ? expirySeconds(pair, policy, 7 * day) : null;
    this.pairs.set(keyOf(tenant, pair.pairId), {
      tenant,
      pair,
      policy,
      dueAt: nextDue(pair, policy, rules),
      expiresAt: seconds === null ? Number.POSITIVE_INFINITY : this.clock() + seconds,
    });
    if (rules.streamed && rules.publishes !== false)
      this.outbox.push(...transitions.map((transition) => ({ tenant, transition, traceparent })));
  }

  private positionsOf(source: string): Set<number> {
    const positions = this.applied.get(source) ?? new Set();
    this.applied.set(source, positions);
    return positions;
  }
}

const keyOf = (tenant: string, pairId: string): string => `${tenant}/${pairId}`;
