import { FulcrumError, isPermanent } from '../errors.js';
import type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  CommandResult,
  CommandToApply,
  DueRequest,
  InteractionToApply,
  Outbox,
  SourceMark,
  TrustStore,
} from '../ports.js';
import type { Pair } from '../trust/record.js';
import { applyBatch, applyCommandTo, type Ledger } from './engine.js';

/** How long a write may wait for others to share its batch. */
const gatherMs = 20;
/** Writes waiting before callers have to wait too. */
const maxPending = 10_000;
const maxBatch = 1_000;
const firstRetryMs = 100;
const lastRetryMs = 5_000;

type Write =
  | { readonly kind: 'event'; readonly event: InteractionToApply; readonly batch: ApplyBatch }
  | { readonly kind: 'command'; readonly command: CommandToApply };

interface Held {
  pair: Pair | null;
  /** Writes of this pair that the store does not have yet, and calls that are about to add one. */
  pending: number;
}

/**
 * Answers from memory and writes to `store` behind, in batches and in order. What waits is the evidence, not
 * the state that came of it, so no update of anybody else is overwritten. A store that is away is tried again
 * with backoff; a full queue makes callers wait; an open timer keeps the process alive until all is written.
 */
export class WriteBehindStore implements TrustStore {
  private readonly held = new Map<string, Held>();
  private readonly loading = new Map<string, Promise<Held>>();
  private queue: Write[] = [];
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> | null = null;
  private retryMs = firstRetryMs;
  private refusal: FulcrumError | null = null;
  /** Calls that may still add a write. */
  private readonly underWay = new Set<Promise<unknown>>();
  private closed = false;
  /** What trying again cannot mend: nothing is written any more, and every caller is told. */
  private broken: unknown = null;

  constructor(private readonly store: TrustStore) {}

  apply(batch: ApplyBatch): Promise<readonly ApplyResult[]> {
    return this.follow(() => this.applyHere(batch));
  }

  command(command: CommandToApply): Promise<CommandResult> {
    return this.follow(() => this.commandHere(command));
  }

  private async applyHere(batch: ApplyBatch): Promise<readonly ApplyResult[]> {
    for (const policy of batch.policies) this.store.checkPolicy?.(policy);
    await this.makeRoom();
    const results: ApplyResult[] = [];
    for (const event of batch.events) {
      await this.pin(key(event.tenant, event.pairId), event);
      const [result] = applyBatch(this.ledger, { ...batch, events: [event] });
      results.push(result as ApplyResult);
      if (result?.kind === 'applied') this.enqueue({ kind: 'event', event, batch });
      else this.unpin(key(event.tenant, event.pairId));
    }
    return results;
  }

  private async commandHere(command: CommandToApply): Promise<CommandResult> {
    this.store.checkPolicy?.(command.policy);
    await this.makeRoom();
    await this.pin(key(command.tenant, command.pairId), command);
    const result = applyCommandTo(this.ledger, command);
    if (result.kind === 'applied') this.enqueue({ kind: 'command', command });
    else this.unpin(key(command.tenant, command.pairId));
    return result;
  }

  async read(tenant: string, pairId: string): Promise<Pair | null> {
    const held = this.held.get(key(tenant, pairId));
    return held === undefined ? this.store.read(tenant, pairId) : held.pair;
  }

  /**
   * Writes all that was asked for before this call.
   *
   * @throws what the store threw; what could not be written is kept and tried again.
   */
  async flush(): Promise<void> {
    await Promise.allSettled([...this.underWay]);
    while (this.writing !== null || this.queue.length > 0) {
      if (this.broken !== null) throw this.broken;
      if (this.writing === null) this.startWriting();
      await this.writing;
    }
    const { refusal } = this;
    this.refusal = null;
    if (refusal !== null) throw refusal;
  }

  async close(): Promise<void> {
    this.closed = true;
    try {
      await this.flush();
    } finally {
      // What a store away keeps back is not lost by waiting: it stays open until that is written.
      if (this.queue.length === 0 || this.broken !== null) await this.store.close();
    }
  }

  async due(request: DueRequest): Promise<number> {
    await this.flush();
    return this.store.due(request);
  }

  async announce(request: AnnounceRequest): Promise<AnnounceResult> {
    await this.flush();
    return this.store.announce(request);
  }

  async *circuits(): AsyncIterable<{ readonly tenant: string; readonly pair: Pair }> {
    await this.flush();
    yield* this.store.circuits();
  }

  get outbox(): Outbox {
    return this.store.outbox;
  }

  mark(marks: readonly SourceMark[]): ReturnType<TrustStore['mark']> {
    return this.store.mark(marks);
  }

  private follow<R>(work: () => Promise<R>): Promise<R> {
    if (this.broken !== null) return Promise.reject(this.broken);
    if (this.closed) return Promise.reject(new FulcrumError('store_closed', 'the store is closed'));
    const call = work();
    this.underWay.add(call);
    const over = (): void => void this.underWay.delete(call);
    call.then(over, over);
    return call;
  }

  /**
   * Holds the pair in memory until `unpin`, loading it first where nobody has. Callers that wait for one load
   * go on in the order they came.
   */
  private async pin(id: string, of: { readonly tenant: string; readonly pairId: string }): Promise<void> {
    const known = this.held.get(id);
    if (known !== undefined) {
      known.pending++;
      return;
    }
    let load = this.loading.get(id);
    if (load === undefined) {
      load = this.load(id, of).finally(() => this.loading.delete(id));
      this.loading.set(id, load);
    }
    const held = await load;
    // It may have been written and forgotten since: then what was loaded is old.
    if (this.held.get(id) !== held) return this.pin(id, of);
    held.pending++;
  }

  private async load(id: string, of: { readonly tenant: string; readonly pairId: string }): Promise<Held> {
    const held: Held = { pair: await this.store.read(of.tenant, of.pairId), pending: 0 };
    this.held.set(id, held);
    return held;
  }

  /** A pair that has nothing waiting is forgotten here, so what others wrote is seen. */
  private unpin(id: string): void {
    const held = this.held.get(id);
    if (held !== undefined && --held.pending === 0) this.held.delete(id);
  }

  private readonly ledger: Ledger = {
    get: (tenant, pairId) => this.held.get(key(tenant, pairId))?.pair ?? null,
    put: (tenant, { pair }) => this.replace(tenant, pair.pairId, pair),
    delete: (tenant, pairId) => this.replace(tenant, pairId, null),
    appendOutbox: () => {},
    isApplied: () => false,
    setApplied: () => {},
    isDuplicate: () => false,
    setDuplicate: () => {},
    duePairs: () => [],
  };

  private replace(tenant: string, pairId: string, pair: Pair | null): void {
    const held = this.held.get(key(tenant, pairId));
    if (held !== undefined) held.pair = pair;
  }

  private enqueue(write: Write): void {
    this.queue.push(write);
    if (this.writing === null) this.timer ??= setTimeout(() => this.startWriting(), gatherMs);
  }

  private async makeRoom(): Promise<void> {
    while (this.queue.length >= maxPending) {
      if (this.broken !== null) throw this.broken;
      if (this.writing === null) this.startWriting();
      await this.writing?.catch(() => {});
      if (this.queue.length >= maxPending) await new Promise((resolve) => setTimeout(resolve, this.retryMs));
    }
  }

  private startWriting(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.writing !== null) return;
    this.writing = this.writeAll();
    // Nobody may be waiting; what failed stays in the queue and is told to the next one who flushes.
    this.writing.catch(() => {});
  }

  private async writeAll(): Promise<void> {
    try {
      while (this.queue.length > 0) {
        const taken = await this.writeNext();
        for (const write of this.queue.splice(0, taken)) this.unpin(keyOf(write));
        this.retryMs = firstRetryMs;
      }
    } catch (error) {
      if (isPermanent(error)) {
        this.broken = error;
        throw error;
      }
      this.timer = setTimeout(() => this.startWriting(), this.retryMs);
      this.retryMs = Math.min(2 * this.retryMs, lastRetryMs);
      throw error;
    } finally {
      this.writing = null;
    }
  }

  /** Writes the oldest command, or as many of the oldest events as go together; returns how many. */
  private async writeNext(): Promise<number> {
    const first = this.queue[0] as Write;
    if (first.kind === 'command') {
      this.checkResults([await this.store.command(first.command)]);
      return 1;
    }
    const events: InteractionToApply[] = [];
    let nowMs = 0;
    for (const write of this.queue) {
      const together =
        write.kind === 'event' &&
        write.batch.policies === first.batch.policies &&
        write.batch.rules === first.batch.rules;
      if (!together || events.length === maxBatch) break;
      events.push(write.event);
      nowMs = Math.max(nowMs, write.batch.nowMs);
    }
    // The newest clock: a pair's numbers must not fall behind what its callers were told.
    this.checkResults(await this.store.apply({ ...first.batch, events, nowMs }));
    return events.length;
  }

  private checkResults(results: readonly (ApplyResult | CommandResult)[]): void {
    for (const result of results)
      if (result.kind === 'rejected') this.refusal = new FulcrumError('state_unreadable', result.detail);
  }
}

function key(tenant: string, pairId: string): string {
  return `${tenant}/${pairId}`;
}

function keyOf(write: Write): string {
  const { tenant, pairId } = write.kind === 'event' ? write.event : write.command;
  return key(tenant, pairId);
}
