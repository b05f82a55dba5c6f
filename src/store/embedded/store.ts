import type { RootDatabase } from 'lmdb';
import { systemClock } from '../../clock.js';
import { FulcrumError } from '../../errors.js';
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
  SourceMark,
  TrustStore,
} from '../../ports.js';
import type { AnalysisStore } from '../../rlm/ports.js';
import type { Pair } from '../../trust/record.js';
import { announceIn, applyBatch, applyCommandTo, type LocalStoreOptions, makeDue } from '../engine.js';
import { Positions } from '../positions.js';
import { RecentKeys } from '../recent-keys.js';
import { EmbeddedAnalyses } from './analyses.js';
import { openDatabase } from './database.js';
import { isExpired, unpackStored } from './stored-pair.js';
import { openTables, type Tables } from './tables.js';
import { Transaction } from './transaction.js';

/** Options of the embedded store. */
export type EmbeddedStoreOptions = LocalStoreOptions;

/** Pairs looked at for expiry in one call of `mark`, which comes every second. */
const expiryLooks = 2_000;

/**
 * Trust state in a folder, durable and for one process: LMDB, synced on every step. State, positions,
 * outbox, due times and event ids of a batch are one transaction, so whenever the process dies all of a batch
 * is there or none of it.
 */
export class EmbeddedStore implements TrustStore {
  /** The last analysis of each pair. @internal */
  readonly analyses: AnalysisStore;
  private readonly positions = new Map<string, Positions>();
  private readonly recentIds: RecentKeys;
  private readonly clock: Clock;
  private readonly replaySpan: number;
  private readonly keptIds: number;
  /** Key of the oldest and the next record of event ids, and how many ids are between them. */
  private ids = { oldest: 1, next: 1, count: 0 };
  private nextOutboxId = 1;
  private expiryCursor = '';
  private open = true;

  private constructor(
    private readonly root: RootDatabase,
    private readonly tables: Tables,
    private readonly release: () => Promise<void>,
    options: EmbeddedStoreOptions,
  ) {
    this.clock = options.clock ?? systemClock;
    this.replaySpan = options.replaySpan ?? 0;
    this.keptIds = options.recentIds ?? 100_000;
    this.recentIds = new RecentKeys(this.keptIds);
    this.analyses = new EmbeddedAnalyses({
      table: tables.analyses,
      now: this.clock,
      transact: (work) => {
        this.checkOpen();
        this.root.transactionSync(work);
      },
      checkOpen: () => this.checkOpen(),
    });
    this.load();
  }

  /**
   * Opens the folder, making it when it is absent or empty.
   *
   * @throws FulcrumError `store_in_use` when another process has it, `store_foreign` when it is not a whole
   *   data folder of fulcrum-trust or one of another layout.
   */
  static async open(path: string, options: EmbeddedStoreOptions = {}): Promise<EmbeddedStore> {
    return openDatabase(
      path,
      'Talk to that one (fulcrum-trust state, circuits, …), or stop it first.',
      (root, release) => new EmbeddedStore(root, openTables(path, root), release, options),
    );
  }

  apply(batch: ApplyBatch): readonly ApplyResult[] {
    return this.transact((transaction) => applyBatch(transaction, batch));
  }

  command(command: CommandToApply): CommandResult {
    return this.transact((transaction) => applyCommandTo(transaction, command));
  }

  read(tenant: string, pairId: string): Pair | null {
    this.checkOpen();
    const stored = unpackStored(pairId, this.tables.pairs.getBinaryFast(`${tenant}/${pairId}`));
    return stored === null || isExpired(stored, this.clock()) ? null : stored.pair;
  }

  due(request: DueRequest): number {
    this.checkOpen();
    // Nearly always nothing is: a look costs no transaction and no sync.
    const [first] = this.tables.due.getKeys({ limit: 1 });
    if (first === undefined || first[0] > request.until) return 0;
    return this.transact((transaction) => makeDue(transaction, request));
  }

  announce(request: AnnounceRequest): AnnounceResult {
    return this.transact((transaction) => announceIn(transaction, request));
  }

  async *circuits(): AsyncIterable<{ readonly tenant: string; readonly pair: Pair }> {
    this.checkOpen();
    for (const key of [...this.tables.circuits.getKeys()]) {
      const [tenant, pairId] = splitKey(key);
      const pair = this.readable(tenant, pairId);
      if (pair !== null) yield { tenant, pair };
    }
  }

  readonly outbox: LocalOutbox = {
    read: (limit) => {
      this.checkOpen();
      return [...this.tables.outbox.getRange({ limit })].map(({ key, value }) => ({
        id: String(key),
        ...value,
      }));
    },
    remove: (entries) => {
      this.checkOpen();
      return this.root.transactionSync(() =>
        entries.filter((entry) => !this.tables.outbox.removeSync(Number(entry.id))),
      );
    },
  };

  mark(marks: readonly SourceMark[]): null {
    this.transact((transaction) => {
      for (const { source, acknowledged } of marks) {
        const floor = acknowledged - this.replaySpan;
        if (floor > 0) transaction.positionsOf(source).raiseFloor(floor);
      }
      this.dropExpired(transaction);
    });
    return null;
  }

  /** The highest position of a source that was applied, 0 if none was. */
  lastApplied(source: string): number {
    return this.positions.get(source)?.highest ?? 0;
  }

  /** Sources of which positions are known. */
  sources(): readonly string[] {
    return [...this.positions.keys()];
  }

  async close(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.root.close();
    await this.release();
  }

  /** Runs `work` in one transaction, and takes over into memory what it did once that is on the disk. */
  private transact<R>(work: (transaction: Transaction) => R): R {
    this.checkOpen();
    const transaction = new Transaction(this.tables, this.positions, this.recentIds, this.clock());
    let { ids } = this;
    const result = this.root.transactionSync(() => {
      const answer = work(transaction);
      transaction.write(this.nextOutboxId, ids.next);
      ids = this.forgetIds(transaction.newIds.length);
      return answer;
    });
    this.ids = ids;
    for (const [source, positions] of transaction.newPositions) this.positions.set(source, positions);
    for (const id of transaction.newIds) this.recentIds.add(id);
    this.nextOutboxId += transaction.newOutbox.length;
    return result;
  }

  /**
   * Adds one record of `added` event ids, and removes the oldest records when what is left still holds as
   * many as are to be known.
   */
  private forgetIds(added: number): EmbeddedStore['ids'] {
    let { oldest, next, count } = this.ids;
    if (added > 0) next++;
    count += added;
    while (count > 2 * this.keptIds) {
      const length = (this.tables.recentIds.get(oldest)?.length ?? 0) / idLength;
      if (length === 0 || count - length < this.keptIds) break;
      this.tables.recentIds.removeSync(oldest++);
      count -= length;
    }
    return { oldest, next, count };
  }

  private load(): void {
    for (const { key, value } of this.tables.positions.getRange())
      this.positions.set(key, new Positions(value));
    let first = true;
    for (const { key, value } of this.tables.recentIds.getRange()) {
      if (first) this.ids.oldest = key;
      first = false;
      this.ids.next = key + 1;
      this.ids.count += value.length / idLength;
      for (let at = 0; at < value.length; at += idLength) this.recentIds.add(value.slice(at, at + idLength));
    }
    for (const key of this.tables.outbox.getKeys({ reverse: true, limit: 1 })) this.nextOutboxId = key + 1;
  }

  private dropExpired(transaction: Transaction): void {
    let looked = 0;
    let last = '';
    for (const key of this.tables.pairs.getKeys({ start: this.expiryCursor, limit: expiryLooks })) {
      looked++;
      last = key;
      const [tenant, pairId] = splitKey(key);
      if (this.readable(tenant, pairId) === null) transaction.dropIfExpired(tenant, pairId);
    }
    this.expiryCursor = looked === expiryLooks ? last : '';
  }

  /** Null also for a pair that cannot be read: that is told, as `state_unreadable`, to whoever needs it. */
  private readable(tenant: string, pairId: string): Pair | null {
    try {
      return this.read(tenant, pairId);
    } catch (error) {
      if (error instanceof FulcrumError && error.code === 'state_unreadable') return null;
      throw error;
    }
  }

  private checkOpen(): void {
    if (!this.open) throw new FulcrumError('store_closed', 'the embedded store is closed');
  }
}

/** Characters of one event id's digest. */
const idLength = 16;

function splitKey(key: string): [tenant: string, pairId: string] {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}
