import TinyQueue from 'tinyqueue';
import { systemClock } from '../clock.js';
import type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  Clock,
  CommandResult,
  CommandToApply,
  DueRequest,
  LocalOutbox,
  OutboxEntry,
  SourceMark,
  TrustStore,
} from '../ports.js';
import type { Pair } from '../trust/record.js';
import type { Transition } from '../trust/transition.js';
import {
  announceIn,
  applyBatch,
  applyCommandTo,
  type Ledger,
  type LocalStoreOptions,
  makeDue,
  type PairToKeep,
} from './engine.js';
import { Positions } from './positions.js';
import { RecentKeys } from './recent-keys.js';

/** Options of the store in memory. */
export type MemoryStoreOptions = LocalStoreOptions;

interface Stored {
  pair: Pair;
  dueAt: number | null;
  /** The due time that the queue holds for this pair, null if it holds none. */
  queuedAt: number | null;
  /** Seconds since the epoch. */
  expiresAt: number;
}

interface Due {
  readonly at: number;
  readonly tenant: string;
  readonly pairId: string;
}

/** Trust state in this process, gone when it ends. All of it answers at once. */
export class MemoryStore implements TrustStore {
  private readonly tenants = new Map<string, Map<string, Stored>>();
  private readonly due_ = new TinyQueue<Due>([], (a, b) => a.at - b.at || (a.pairId < b.pairId ? -1 : 1));
  private entries: OutboxEntry[] = [];
  private readonly positions = new Map<string, Positions>();
  private readonly recentIds: RecentKeys;
  private readonly ledger: Ledger;
  private readonly clock: Clock;
  private readonly replaySpan: number;
  /** What the sweep under way, or the last one, took from the queue. */
  private takenDue: readonly Due[] = [];
  private outboxSequence = 0;
  private expiryScan: Iterator<readonly [Map<string, Stored>, string, Stored]> | null = null;

  constructor(options: MemoryStoreOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.replaySpan = options.replaySpan ?? 0;
    this.recentIds = new RecentKeys(options.recentIds ?? 100_000);
    this.ledger = {
      get: (tenant, pairId) => this.get(tenant, pairId),
      put: (tenant, kept) => this.put(tenant, kept),
      delete: (tenant, pairId) => void this.tenants.get(tenant)?.delete(pairId),
      appendOutbox: (tenant, transition, traceparent) => this.append(tenant, transition, traceparent),
      isApplied: (source, sequence) => this.positions.get(source)?.has(sequence) ?? false,
      setApplied: (source, sequence) => this.positionsOf(source).add(sequence),
      isDuplicate: (key) => this.recentIds.has(key),
      setDuplicate: (key) => this.recentIds.add(key),
      duePairs: (until, limit) => this.takeDue(until, limit),
    };
  }

  apply(batch: ApplyBatch): readonly ApplyResult[] {
    if (batch.rules.streamed) this.dropExpired(2 * batch.events.length);
    return applyBatch(this.ledger, batch);
  }

  command(command: CommandToApply): CommandResult {
    return applyCommandTo(this.ledger, command);
  }

  read(tenant: string, pairId: string): Pair | null {
    return this.get(tenant, pairId);
  }

  due(request: DueRequest): number {
    try {
      return makeDue(this.ledger, request);
    } catch (error) {
      for (const due of this.takenDue) this.queue(due);
      throw error;
    }
  }

  announce(request: AnnounceRequest): AnnounceResult {
    return announceIn(this.ledger, request);
  }

  async *circuits(): AsyncIterable<{ readonly tenant: string; readonly pair: Pair }> {
    for (const [tenant, pairs] of this.tenants)
      for (const { pair } of pairs.values())
        if (pair.state !== null && pair.state.circuitState !== 'CLOSED') yield { tenant, pair };
  }

  readonly outbox: LocalOutbox = {
    read: (limit) => this.entries.slice(0, limit),
    remove: (entries) => {
      const ids = new Set(entries.map((entry) => entry.id));
      let known = 0;
      while (ids.delete(this.entries[known]?.id ?? '')) known++;
      this.entries.splice(0, known);
      if (ids.size > 0) this.entries = this.entries.filter((entry) => !ids.delete(entry.id));
      return entries.filter((entry) => ids.has(entry.id));
    },
  };

  mark(marks: readonly SourceMark[]): null {
    for (const { source, acknowledged } of marks) {
      const floor = acknowledged - this.replaySpan;
      if (floor > 0) this.positionsOf(source).raiseFloor(floor);
    }
    return null;
  }

  /** The highest position of a source that was applied, 0 if none was. */
  lastApplied(source: string): number {
    return this.positions.get(source)?.highest ?? 0;
  }

  /** How many pairs are kept, those that only remember a reset included. */
  get size(): number {
    let size = 0;
    for (const pairs of this.tenants.values()) size += pairs.size;
    return size;
  }

  close(): void {}

  private get(tenant: string, pairId: string): Pair | null {
    const stored = this.tenants.get(tenant)?.get(pairId);
    if (stored === undefined) return null;
    return stored.expiresAt === Number.POSITIVE_INFINITY || stored.expiresAt > this.clock()
      ? stored.pair
      : null;
  }

  private put(tenant: string, kept: PairToKeep): void {
    const { pair, dueAt } = kept;
    const expiresAt =
      kept.expirySeconds === null ? Number.POSITIVE_INFINITY : this.clock() + kept.expirySeconds;
    let pairs = this.tenants.get(tenant);
    if (pairs === undefined) {
      pairs = new Map();
      this.tenants.set(tenant, pairs);
    }
    let stored = pairs.get(pair.pairId);
    if (stored === undefined) {
      stored = { pair, dueAt, queuedAt: null, expiresAt };
      pairs.set(pair.pairId, stored);
    }
    stored.pair = pair;
    stored.dueAt = dueAt;
    stored.expiresAt = expiresAt;
    // One queue entry a pair: an entry that turns out to be early is queued again when it falls.
    if (dueAt !== null && (stored.queuedAt === null || dueAt < stored.queuedAt))
      this.queue({ at: dueAt, tenant, pairId: pair.pairId });
  }

  private queue(due: Due): void {
    const stored = this.tenants.get(due.tenant)?.get(due.pairId);
    if (stored === undefined) return;
    stored.queuedAt = due.at;
    this.due_.push(due);
  }

  private takeDue(until: number, limit: number): readonly Due[] {
    const taken: Due[] = [];
    this.takenDue = taken;
    for (let next = this.due_.peek(); next !== undefined && next.at <= until; next = this.due_.peek()) {
      if (taken.length === limit) break;
      this.due_.pop();
      const stored = this.tenants.get(next.tenant)?.get(next.pairId);
      if (stored === undefined || stored.queuedAt !== next.at) continue;
      stored.queuedAt = null;
      if (stored.dueAt !== null) taken.push(next);
    }
    return taken;
  }

  private append(tenant: string, transition: Transition, traceparent: string | null): void {
    this.outboxSequence++;
    this.entries.push({ id: String(this.outboxSequence), tenant, transition, traceparent });
  }

  private positionsOf(source: string): Positions {
    let positions = this.positions.get(source);
    if (positions === undefined) {
      positions = new Positions();
      this.positions.set(source, positions);
    }
    return positions;
  }

  /** Looks at a few pairs more on every call, so that what has expired goes without a pause for all of it. */
  private dropExpired(looks: number): void {
    const now = this.clock();
    for (let i = 0; i < looks; i++) {
      this.expiryScan ??= this.everyPair();
      const next = this.expiryScan.next();
      if (next.done === true) {
        this.expiryScan = null;
        return;
      }
      const [pairs, pairId, stored] = next.value;
      if (stored.expiresAt <= now) pairs.delete(pairId);
    }
  }

  private *everyPair(): Iterator<readonly [Map<string, Stored>, string, Stored]> {
    for (const pairs of this.tenants.values())
      for (const [pairId, stored] of pairs) yield [pairs, pairId, stored];
  }
}
