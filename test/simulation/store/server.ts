import { FulcrumError } from '../../../src/errors.js';
import type { LostTail, OutboxEntry, SourceMark } from '../../../src/ports.js';
import type { Ledger, PairToKeep } from '../../../src/store/engine.js';
import type { Transition } from '../../../src/trust/transition.js';
import { calmNetwork, type Place } from '../process.js';
import type { World } from '../world.js';
import { Kept, type Undo } from './journal.js';
import { AppliedPositions } from './positions.js';

/** How a store server works; planted mistakes change it. */
export interface ServerRules {
  readonly replaySpan: number;
  /** How long a relay may go on without a renewal. */
  readonly leaseMs: number;
  /** How old a generation of marks is: what a replaced server may have gone on for. */
  readonly generationMs: number;
  /** false: every relay may publish. */
  readonly leases: boolean;
  /** The floor moves so far beyond what it may. */
  readonly floorAhead: number;
  /** true: transitions go to the outbox some time after the step that made them. */
  readonly outboxApart: boolean;
  /** true: marks are written whatever server this is. */
  readonly takesOver: boolean;
  /** What a step reads and writes is seen through this. */
  readonly ledger: (ledger: Ledger) => Ledger;
}

interface Step {
  readonly atMs: number;
  readonly undo: Undo;
}

interface Lease {
  readonly holder: string;
  readonly untilMs: number;
}

/** An outbox entry as it was written, and whether a restart has lost the step that wrote it. */
export interface Written {
  readonly entry: OutboxEntry;
  lost: boolean;
}

/**
 * One Redis with the trust state of one shard: every call is one step, which happens whole or not at all. A crash may
 * lose the last of them; it comes back under another run id.
 */
export class StoreServer implements Place {
  away = false;
  readonly network = calmNetwork();
  /** Hears who reads something that is to be published. */
  onRelay: (holder: string) => void = () => {};
  private run = 1;
  private undo: Undo | null = null;
  private readonly steps: Step[] = [];
  /** What came before the first mark is never lost here: the store would be an emptied one, which is refused. */
  private surelyKept = Number.POSITIVE_INFINITY;
  private readonly journal = (): Undo => {
    if (this.undo === null) throw new Error(`${this.name} is written outside of a step`);
    return this.undo;
  };
  readonly pairs = new Kept<string, PairToKeep>(this.journal);
  readonly outbox = new Kept<number, OutboxEntry>(this.journal);
  readonly positions = new AppliedPositions(this.journal);
  /** Ids of events that a pair has seen. */
  private readonly ids = new Kept<string, true>(this.journal);
  private readonly mark = new Kept<string, string>(this.journal);
  private readonly lease = new Kept<'relay', Lease>(this.journal);
  /** By time, so never the same again, whatever a restart lost. */
  private lastEntry = 0;

  // What the verifier knows and no process does.
  /** By id of the circuit event. */
  readonly written = new Map<string, Written>();
  /** `<source>/<sequence>` of everything that was ever applied. */
  readonly everApplied = new Set<string>();
  /** `<process> <id of the circuit event>`: when that process read it last. */
  readonly readAtMs = new Map<string, number>();
  /** Circuit events whose entries were removed within the time of a lease after they were read. */
  readonly removedInTime = new Set<string>();
  restartsWithLoss = 0;

  constructor(
    private readonly world: World,
    readonly name: string,
    readonly rules: ServerRules,
  ) {}

  /** Whether marks are of this run: nobody has to bring back any more what a crash may have lost. */
  get adopted(): boolean {
    return this.mark.get('run_id') === this.runId;
  }

  get runId(): string {
    return `${this.name}-run-${this.run}`;
  }

  /** Does the work as one step. */
  step<T>(work: (ledger: Ledger) => T): T {
    const undo: Undo = [];
    this.undo = undo;
    try {
      const result = work(this.watched(this.rules.ledger(this.ledger)));
      if (undo.length > 0) this.steps.push({ atMs: this.world.nowMs, undo });
      return result;
    } catch (error) {
      takeBack(undo);
      throw error;
    } finally {
      this.undo = null;
    }
  }

  /** Goes away, and comes back as another run without what was written in the last `lostMs`. */
  crash(downMs: number, lostMs: number): void {
    this.away = true;
    const since = this.world.nowMs - lostMs;
    let lost = 0;
    while (this.steps.length > this.surelyKept && (this.steps.at(-1)?.atMs ?? 0) > since && lostMs > 0) {
      takeBack(this.steps.pop()?.undo ?? []);
      lost++;
    }
    if (lost > 0) this.restartsWithLoss++;
    this.world.note(this.name, () => `crashes and loses its last ${lost} steps`);
    this.run++;
    this.world.after(downMs, () => {
      this.away = false;
      this.world.note(this.name, () => `is back as ${this.runId}`);
    });
  }

  readOutbox(holder: string, limit: number): readonly OutboxEntry[] {
    const { nowMs } = this.world;
    if (this.rules.leases) {
      if (this.relay !== null && this.relay !== holder) return [];
      this.lease.set('relay', { holder, untilMs: nowMs + this.rules.leaseMs });
    }
    const entries = this.outbox
      .entries()
      .sort(([a], [b]) => a - b)
      .slice(0, limit)
      .map(([, entry]) => entry);
    if (entries.length > 0) this.onRelay(holder);
    for (const entry of entries) this.readAtMs.set(`${holder} ${circuitId(entry)}`, nowMs);
    return entries;
  }

  /** Answers what was gone already. */
  removeFromOutbox(holder: string, entries: readonly OutboxEntry[]): readonly OutboxEntry[] {
    for (const id of entries.map(circuitId))
      if (this.world.nowMs - (this.readAtMs.get(`${holder} ${id}`) ?? 0) <= this.rules.leaseMs)
        this.removedInTime.add(id);
    return entries.filter((entry) => !this.outbox.delete(placeOf(entry)));
  }

  /** Who has the lease of the relay just now. */
  get relay(): string | null {
    const lease = this.lease.get('relay');
    return lease !== undefined && lease.untilMs > this.world.nowMs ? lease.holder : null;
  }

  releaseLease(holder: string): void {
    if (this.lease.get('relay')?.holder === holder) this.lease.delete('relay');
  }

  /**
   * Writes the marks, or says what may be lost since: what `mark.lua` does.
   *
   * @param known the run id that the asking process marked last
   */
  writeMarks(marks: readonly SourceMark[], known: string | null): LostTail | null {
    const { mark, rules } = this;
    const marked = mark.get('run_id');
    if (!rules.takesOver) {
      // A server that was away at the first marks of all processes is new to them, not emptied: it loses no first mark.
      if (marked === undefined && known !== null)
        throw new FulcrumError('mismatch', `${this.name} holds no mark, though events were acknowledged`);
      if (marked !== undefined && marked !== this.runId) return this.lostTail('acknowledged', 'marked_at');
      if (known !== null && known !== this.runId) return this.lostTail('before', 'before_at');
    }
    if (marked === undefined) this.surelyKept = this.steps.length + 1;
    mark.set('run_id', this.runId);
    mark.set('marked_at', String(this.world.seconds));
    this.turnGenerations();
    for (const one of marks) this.writeMark(one);
    return null;
  }

  /** Takes this server for the one that marks are of. */
  adopt(runId: string): boolean {
    if (runId !== this.runId || this.mark.get('run_id') === undefined) return false;
    this.mark.set('run_id', this.runId);
    return true;
  }

  /** Up to where a source is marked as acknowledged. */
  markOf(source: string): number {
    return Number(this.mark.get(`acknowledged:${source}`) ?? 0);
  }

  marks(): readonly SourceMark[] {
    return this.fields('acknowledged').map(([source, acknowledged]) => {
      const readTo = this.mark.get(`read_to:${source}`);
      return {
        source,
        acknowledged: Number(acknowledged),
        ...(readTo === undefined ? {} : { readTo: Number(readTo) }),
      };
    });
  }

  private writeMark({ source, acknowledged, readTo }: SourceMark): void {
    const { mark, rules } = this;
    const before = mark.get(`acknowledged:${source}`);
    if (before === undefined)
      for (const generation of ['before', 'then']) mark.set(`${generation}:${source}`, String(acknowledged));
    if (acknowledged >= Number(before ?? -1)) {
      mark.set(`acknowledged:${source}`, String(acknowledged));
      if (readTo !== undefined) mark.set(`read_to:${source}`, String(readTo));
    }
    this.positions.raiseFloor(source, acknowledged - rules.replaySpan + rules.floorAhead);
  }

  /** Keeps two generations of marks, so that one is always at least so old. */
  private turnGenerations(): void {
    const { mark, world, rules } = this;
    const then = mark.get('then_at');
    const now = String(world.seconds);
    if (then !== undefined && world.seconds - Number(then) < rules.generationMs / 1_000) return;
    mark.set('before_at', then ?? now);
    mark.set('then_at', now);
    for (const [source, acknowledged] of this.fields('acknowledged')) {
      mark.set(`before:${source}`, mark.get(`then:${source}`) ?? acknowledged);
      mark.set(`then:${source}`, acknowledged);
    }
  }

  private lostTail(kind: 'acknowledged' | 'before', at: 'marked_at' | 'before_at'): LostTail {
    const from = new Map(this.fields(kind).map(([source, position]) => [source, Number(position)]));
    return { from, since: Number(this.mark.get(at) ?? 0) };
  }

  private fields(kind: string): [string, string][] {
    const prefix = `${kind}:`;
    return this.mark
      .entries()
      .filter(([field]) => field.startsWith(prefix))
      .map(([field, value]) => [field.slice(prefix.length), value]);
  }

  private readonly ledger: Ledger = {
    get: (tenant, pairId) => this.pairs.get(`${tenant}/${pairId}`)?.pair ?? null,
    put: (tenant, kept) => this.pairs.set(`${tenant}/${kept.pair.pairId}`, kept),
    delete: (tenant, pairId) => void this.pairs.delete(`${tenant}/${pairId}`),
    appendOutbox: (tenant, transition, traceparent) => this.append(tenant, transition, traceparent),
    isApplied: (source, sequence) => this.positions.has(source, sequence),
    setApplied: (source, sequence) => this.positions.add(source, sequence),
    isDuplicate: (key) => this.ids.has(key),
    setDuplicate: (key) => this.ids.set(key, true),
    duePairs: (until, limit) =>
      this.pairs
        .entries()
        .filter(([, { dueAt }]) => dueAt !== null && dueAt <= until)
        .sort(([a, one], [b, other]) => (one.dueAt ?? 0) - (other.dueAt ?? 0) || (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key]) => {
          const [tenant = '', pairId = ''] = key.split('/');
          return { tenant, pairId };
        }),
  };

  /** What is applied, whatever the ledger makes of it. */
  private watched(ledger: Ledger): Ledger {
    return {
      ...ledger,
      setApplied: (source, sequence) => {
        this.everApplied.add(`${source}/${sequence}`);
        ledger.setApplied(source, sequence);
      },
    };
  }

  private append(tenant: string, transition: Transition, traceparent: string | null): void {
    const number = ++this.lastEntry;
    const entry: OutboxEntry = { id: `${this.name}/${number}`, tenant, transition, traceparent };
    const written: Written = { entry, lost: false };
    this.written.set(circuitId(entry), written);
    this.journal().push(() => {
      written.lost = true;
    });
    this.world.note(
      this.name,
      () => `${circuitId(entry)} ${transition.from} -> ${transition.to} by ${transition.cause.kind}`,
    );
    if (!this.rules.outboxApart) {
      this.outbox.set(number, entry);
      return;
    }
    this.world.after(20, () => {
      if (!this.away) this.step(() => this.outbox.set(number, entry));
    });
  }
}

export function circuitId({ tenant, transition }: OutboxEntry): string {
  return `${tenant}/${transition.pairId}/${transition.transition}`;
}

function placeOf({ id }: OutboxEntry): number {
  return Number(id.slice(id.lastIndexOf('/') + 1));
}

function takeBack(undo: Undo): void {
  for (const change of undo.reverse()) change();
  undo.length = 0;
}
