import { FulcrumError } from '../../errors.js';
import type { OutboxEntry } from '../../ports.js';
import type { Pair } from '../../trust/record.js';
import type { Transition } from '../../trust/transition.js';
import type { Ledger, PairToKeep } from '../engine.js';
import { Positions } from '../positions.js';
import type { RecentKeys } from '../recent-keys.js';
import { isExpired, packStored, type StoredPair, unpackStored } from './stored-pair.js';
import type { Tables } from './tables.js';

interface Touched {
  readonly tenant: string;
  readonly pairId: string;
  /** As it lies in the table, expired or not; null: nothing does. */
  readonly before: StoredPair | null;
  after: StoredPair | null;
  /** The pair's entry in the due table after the step, null: none. */
  queuedAt: number | null;
  changed: boolean;
}

/**
 * One transaction of the embedded store. It gathers what a step does and writes it at the end, each pair
 * once, however many of the batch's events were its own.
 */
export class Transaction implements Ledger {
  readonly newPositions = new Map<string, Positions>();
  readonly newIds: string[] = [];
  readonly newOutbox: Omit<OutboxEntry, 'id'>[] = [];
  private readonly takenDue: [number, string, string][] = [];
  private readonly newIdSet = new Set<string>();
  private readonly touched = new Map<string, Touched>();

  constructor(
    private readonly tables: Tables,
    private readonly positions: ReadonlyMap<string, Positions>,
    private readonly recentIds: RecentKeys,
    /** Seconds since the epoch. */
    private readonly now: number,
  ) {}

  get(tenant: string, pairId: string): Pair | null {
    return this.touch(tenant, pairId).after?.pair ?? null;
  }

  put(tenant: string, kept: PairToKeep): void {
    const touched = this.touch(tenant, kept.pair.pairId);
    const { dueAt } = kept;
    // An entry that turns out to be early is queued again when it falls: most events of an open pair move its
    // due time later, and then the table need not be touched.
    if (dueAt !== null && (touched.queuedAt === null || dueAt < touched.queuedAt)) touched.queuedAt = dueAt;
    touched.after = {
      pair: kept.pair,
      dueAt,
      queuedAt: touched.queuedAt,
      expiresAt: kept.expirySeconds === null ? Number.POSITIVE_INFINITY : this.now + kept.expirySeconds,
    };
    touched.changed = true;
  }

  delete(tenant: string, pairId: string): void {
    const touched = this.touch(tenant, pairId);
    touched.after = null;
    touched.queuedAt = null;
    touched.changed = true;
  }

  appendOutbox(tenant: string, transition: Transition, traceparent: string | null): void {
    this.newOutbox.push({ tenant, transition, traceparent });
  }

  isApplied(source: string, sequence: number): boolean {
    return (this.newPositions.get(source) ?? this.positions.get(source))?.has(sequence) ?? false;
  }

  setApplied(source: string, sequence: number): void {
    this.positionsOf(source).add(sequence);
  }

  positionsOf(source: string): Positions {
    let positions = this.newPositions.get(source);
    if (positions === undefined) {
      positions = this.positions.get(source)?.clone() ?? new Positions();
      this.newPositions.set(source, positions);
    }
    return positions;
  }

  isDuplicate(key: string): boolean {
    return this.newIdSet.has(key) || this.recentIds.has(key);
  }

  setDuplicate(key: string): void {
    this.newIdSet.add(key);
    this.newIds.push(key);
  }

  duePairs(until: number, limit: number): readonly { readonly tenant: string; readonly pairId: string }[] {
    const due: { tenant: string; pairId: string }[] = [];
    for (const key of this.tables.due.getKeys()) {
      const [at, tenant, pairId] = key;
      if (at > until || due.length === limit) break;
      // The sweep looks at this pair now: its entry goes, and comes back when something is still due.
      this.takenDue.push(key);
      if (this.unqueue(tenant, pairId)) due.push({ tenant, pairId });
    }
    return due;
  }

  /** Writes all that was gathered. */
  write(nextOutboxId: number, nextIdsKey: number): void {
    const { tables } = this;
    for (const key of this.takenDue) tables.due.removeSync(key);
    for (const touched of this.touched.values()) if (touched.changed) this.writePair(touched);
    this.newOutbox.forEach((entry, i) => void tables.outbox.putSync(nextOutboxId + i, entry));
    for (const [source, positions] of this.newPositions)
      tables.positions.putSync(source, positions.toBounds());
    if (this.newIds.length > 0) tables.recentIds.putSync(nextIdsKey, this.newIds.join(''));
  }

  private writePair({ tenant, pairId, before, after }: Touched): void {
    const { pairs, due, circuits } = this.tables;
    const key = `${tenant}/${pairId}`;
    if (after === null) pairs.removeSync(key);
    else pairs.putSync(key, packStored(after));
    const queuedBefore = before?.queuedAt ?? null;
    const queuedAfter = after?.queuedAt ?? null;
    if (queuedBefore !== queuedAfter) {
      if (queuedBefore !== null) due.removeSync([queuedBefore, tenant, pairId]);
      if (queuedAfter !== null) due.putSync([queuedAfter, tenant, pairId], null);
    }
    const listedBefore = isListed(before);
    const listedAfter = isListed(after);
    if (listedBefore && !listedAfter) circuits.removeSync(key);
    if (!listedBefore && listedAfter) circuits.putSync(key, null);
  }

  /** Removes a pair whose time is over; one that cannot be read stays. */
  dropIfExpired(tenant: string, pairId: string): void {
    const touched = this.touchReadable(tenant, pairId);
    if (touched !== null && touched.before !== null && touched.after === null) this.delete(tenant, pairId);
  }

  /** Whether there is a pair that can be looked at and still waits for something. */
  private unqueue(tenant: string, pairId: string): boolean {
    const touched = this.touchReadable(tenant, pairId);
    if (touched === null) return false;
    touched.queuedAt = null;
    if (touched.after !== null) touched.after = { ...touched.after, queuedAt: null };
    touched.changed = touched.before !== null;
    return touched.after !== null && touched.after.dueAt !== null;
  }

  /** Null for a pair that cannot be read: that is told, as `state_unreadable`, to whoever needs it. */
  private touchReadable(tenant: string, pairId: string): Touched | null {
    try {
      return this.touch(tenant, pairId);
    } catch (error) {
      if (error instanceof FulcrumError && error.code === 'state_unreadable') return null;
      throw error;
    }
  }

  private touch(tenant: string, pairId: string): Touched {
    const key = `${tenant}/${pairId}`;
    let touched = this.touched.get(key);
    if (touched === undefined) {
      const before = unpackStored(pairId, this.tables.pairs.getBinaryFast(key));
      const after = before !== null && isExpired(before, this.now) ? null : before;
      touched = { tenant, pairId, before, after, queuedAt: before?.queuedAt ?? null, changed: false };
      this.touched.set(key, touched);
    }
    return touched;
  }
}

function isListed(stored: StoredPair | null): boolean {
  const state = stored?.pair.state ?? null;
  return state !== null && state.circuitState !== 'CLOSED';
}
