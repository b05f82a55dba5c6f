import type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  CommandResult,
  CommandToApply,
  DueRequest,
  Outbox,
  SharedStore,
  SourceMark,
} from '../../ports.js';
import type { AnalysisStore } from '../../rlm/ports.js';
import type { Pair } from '../../trust/record.js';
import { EmbeddedStore, type EmbeddedStoreOptions } from './store.js';

/**
 * The embedded store under logs that a broker keeps. It is one process's all the same; but how far it is read is
 * marked by log (a topic has a log a partition) and recoveries are made up to what all of them have read, as on a
 * store that is shared.
 */
export class EmbeddedLogStore implements SharedStore {
  readonly outbox: Outbox;
  /** The last analysis of each pair. */
  readonly analyses: AnalysisStore;
  /** What this process marked last, by source. */
  private readonly marked = new Map<string, SourceMark>();

  private constructor(private readonly store: EmbeddedStore) {
    this.outbox = store.outbox;
    this.analyses = store.analyses;
  }

  /** @throws as {@link EmbeddedStore.open} does */
  static async open(path: string, options: EmbeddedStoreOptions = {}): Promise<EmbeddedLogStore> {
    return new EmbeddedLogStore(await EmbeddedStore.open(path, options));
  }

  /** Nobody else works on this state, so there is nobody to tell. */
  async register(): Promise<void> {}

  apply(batch: ApplyBatch): readonly ApplyResult[] {
    return this.store.apply(batch);
  }

  command(command: CommandToApply): CommandResult {
    return this.store.command(command);
  }

  read(tenant: string, pairId: string): Pair | null {
    return this.store.read(tenant, pairId);
  }

  due(request: DueRequest): number {
    return this.store.due(request);
  }

  announce(request: AnnounceRequest): AnnounceResult {
    return this.store.announce(request);
  }

  circuits(): ReturnType<EmbeddedStore['circuits']> {
    return this.store.circuits();
  }

  mark(marks: readonly SourceMark[]): null {
    // The time alone is not kept, and a mark that says nothing else costs a transaction.
    const moved = marks.filter(
      ({ source, acknowledged }) => this.marked.get(source)?.acknowledged !== acknowledged,
    );
    if (moved.length > 0) this.store.mark(moved);
    for (const mark of marks) this.marked.set(mark.source, mark);
    return null;
  }

  /** It loses nothing, so there is nothing to go on from. */
  async adopt(): Promise<boolean> {
    return true;
  }

  /** What was marked by this process, and of other sources the last position that was applied. */
  async marks(): Promise<readonly SourceMark[]> {
    const applied = this.store
      .sources()
      .map((source) => [source, { source, acknowledged: this.store.lastApplied(source) }] as const);
    return [...new Map<string, SourceMark>([...applied, ...this.marked]).values()];
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
