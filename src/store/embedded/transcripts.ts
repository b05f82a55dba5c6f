import type { Database, RootDatabase } from 'lmdb';
import { systemClock } from '../../clock.js';
import { FulcrumError } from '../../errors.js';
import type { Clock } from '../../ports.js';
import type {
  KeptSession,
  SessionOf,
  TranscriptBounds,
  TranscriptStore,
  TurnToKeep,
} from '../../rlm/ports.js';
import type { Turn } from '../../rlm/transcript.js';
import { defaultTranscriptBounds, textBytes } from '../../rlm/transcript-bounds.js';
import { openDatabase } from './database.js';
import { checkLayout, layoutKey } from './tables.js';

export interface EmbeddedTranscriptsOptions {
  /** @defaultValue {@link defaultTranscriptBounds} */
  readonly bounds?: TranscriptBounds;
  /** @defaultValue the system's */
  readonly clock?: Clock;
}

/** Pair (`<tenant>/<pair id>`), session, time, source and sequence. */
type TurnKey = [string, string, number, string, number];
/** Speaker, event id, text. */
type TurnValue = [string, string, string];

interface Tables {
  readonly turns: Database<TurnValue, TurnKey>;
  /** Bytes of a turn by [pair, time, session, source, sequence]: the oldest of a pair is the first. */
  readonly ofPair: Database<number, [string, number, string, string, number]>;
  /** Null by [time, pair, session, source, sequence]: the oldest of all is the first. */
  readonly ofAll: Database<null, [number, string, string, string, number]>;
  /** Turns and bytes by [pair, session]. */
  readonly sessions: Database<[number, number], [string, string]>;
  /** Bytes by pair, those of all by `total`. */
  readonly sizes: Database<number, string>;
}

/** The name of all in the sizes; a pair's has a slash. */
const total = 'total';
const names = ['turns', 'of-pair', 'of-all', 'sessions', 'sizes', 'meta'];
const layout = 'transcripts-1';
/** Of one transaction. */
const mostDrops = 1_000;
/** Bytes of text of one look at a session. */
const pageBytes = 1024 * 1024;
const pageTurns = 1_000;

/** Turns in a folder of their own, for one process. What is added, dropped and counted of a batch is one transaction. */
export class EmbeddedTranscripts implements TranscriptStore {
  private readonly bounds: TranscriptBounds;
  private readonly clock: Clock;
  private isOpen = true;

  private constructor(
    private readonly root: RootDatabase,
    private readonly tables: Tables,
    private readonly release: () => Promise<void>,
    options: EmbeddedTranscriptsOptions,
  ) {
    this.bounds = options.bounds ?? defaultTranscriptBounds;
    this.clock = options.clock ?? systemClock;
  }

  /** @throws FulcrumError `store_in_use` when another process has the folder, `store_foreign` when it is none of transcripts */
  static async open(path: string, options: EmbeddedTranscriptsOptions = {}): Promise<EmbeddedTranscripts> {
    return openDatabase(
      path,
      'Stop it first, or keep transcripts in a Redis that all share (--transcripts redis://…).',
      (root, release) => new EmbeddedTranscripts(root, openTables(path, root), release, options),
    );
  }

  add(turns: readonly TurnToKeep[]): void {
    this.checkOpen();
    this.root.transactionSync(() => {
      for (const turn of turns) this.insert(turn);
    });
    const pairs = new Set(turns.map(({ tenant, pairId }) => `${tenant}/${pairId}`));
    while (this.root.transactionSync(() => this.dropBeyond(pairs))) {
      // Again: a transaction drops so many at most.
    }
  }

  sessions(tenant: string, pairId: string): readonly KeptSession[] {
    this.checkOpen();
    const pair = `${tenant}/${pairId}`;
    const kept: KeptSession[] = [];
    for (const { key, value } of this.tables.sessions.getRange({ start: [pair, ''] })) {
      if (key[0] !== pair) break;
      const [turns, bytes] = value;
      const lastAt = this.lastAt(pair, key[1]);
      if (lastAt >= this.oldestKept()) kept.push({ session: key[1], turns, bytes, lastAt });
    }
    return kept.sort((a, b) => b.lastAt - a.lastAt);
  }

  async *turns(
    { tenant, pairId, session }: SessionOf,
    since = Number.NEGATIVE_INFINITY,
  ): AsyncGenerator<Turn> {
    const pair = `${tenant}/${pairId}`;
    let last: TurnKey = [pair, session, Math.max(since, this.oldestKept()), '', 0];
    for (;;) {
      const page = this.page(last);
      for (const { key, value } of page) {
        last = key;
        const [speaker, eventId, text] = value;
        if (key[2] >= this.oldestKept()) yield { speaker, text, time: key[2], eventId };
      }
      if (page.length === 0) return;
    }
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    await this.root.close();
    await this.release();
  }

  /** What of its session comes after a turn. */
  private page(last: TurnKey): { key: TurnKey; value: TurnValue }[] {
    this.checkOpen();
    const [pair, session] = last;
    const page: { key: TurnKey; value: TurnValue }[] = [];
    let bytes = 0;
    for (const { key, value } of this.tables.turns.getRange({ start: last, exclusiveStart: true })) {
      if (key[0] !== pair || key[1] !== session) break;
      page.push({ key, value });
      bytes += value[2].length;
      if (bytes >= pageBytes || page.length === pageTurns) break;
    }
    return page;
  }

  private lastAt(pair: string, session: string): number {
    const start: TurnKey = [pair, session, Number.MAX_VALUE, '', 0];
    for (const key of this.tables.turns.getKeys({ start, reverse: true, limit: 1 }))
      if (key[0] === pair && key[1] === session) return key[2];
    return Number.NEGATIVE_INFINITY;
  }

  private oldestKept(): number {
    return this.clock() - this.bounds.maxAgeSeconds;
  }

  private insert({ tenant, pairId, session, turn, position }: TurnToKeep): void {
    const { turns, ofPair, ofAll } = this.tables;
    const { time, speaker, eventId, text } = turn;
    if (time < this.oldestKept()) return;
    const { source, sequence } = position;
    const pair = `${tenant}/${pairId}`;
    const key: TurnKey = [pair, session, time, source, sequence];
    if (turns.doesExist(key)) return;
    const bytes = textBytes(text);
    turns.putSync(key, [speaker, eventId, text]);
    ofPair.putSync([pair, time, session, source, sequence], bytes);
    ofAll.putSync([time, pair, session, source, sequence], null);
    this.count(pair, session, 1, bytes);
  }

  /** Drops what is beyond the bounds, oldest first; true: more may be. */
  private dropBeyond(pairs: ReadonlySet<string>): boolean {
    const { ofPair, ofAll, sizes } = this.tables;
    let left = mostDrops;
    for (const pair of pairs)
      while ((sizes.get(pair) ?? 0) > this.bounds.bytesPerPair) {
        if (left-- === 0) return true;
        const [first] = ofPair.getKeys({ start: [pair, -Number.MAX_VALUE, '', '', 0], limit: 1 });
        if (first === undefined || first[0] !== pair) break;
        const [, time, session, source, sequence] = first;
        this.drop([pair, session, time, source, sequence]);
      }
    for (;;) {
      const [first] = ofAll.getKeys({ limit: 1 });
      if (first === undefined) return false;
      const [time, pair, session, source, sequence] = first;
      if (time >= this.oldestKept() && (sizes.get(total) ?? 0) <= this.bounds.bytesInTotal) return false;
      if (left-- === 0) return true;
      this.drop([pair, session, time, source, sequence]);
    }
  }

  private drop(key: TurnKey): void {
    const { turns, ofPair, ofAll } = this.tables;
    const [pair, session, time, source, sequence] = key;
    const bytes = ofPair.get([pair, time, session, source, sequence]) ?? 0;
    turns.removeSync(key);
    ofPair.removeSync([pair, time, session, source, sequence]);
    ofAll.removeSync([time, pair, session, source, sequence]);
    this.count(pair, session, -1, -bytes);
  }

  private count(pair: string, session: string, turns: number, bytes: number): void {
    const { sessions, sizes } = this.tables;
    const [turnsBefore, bytesBefore] = sessions.get([pair, session]) ?? [0, 0];
    const turnsAfter = turnsBefore + turns;
    if (turnsAfter === 0) sessions.removeSync([pair, session]);
    else sessions.putSync([pair, session], [turnsAfter, bytesBefore + bytes]);
    for (const name of [pair, total]) {
      const size = (sizes.get(name) ?? 0) + bytes;
      if (size === 0) sizes.removeSync(name);
      else sizes.putSync(name, size);
    }
  }

  private checkOpen(): void {
    if (!this.isOpen) throw new FulcrumError('store_closed', 'the store of transcripts is closed');
  }
}

function openTables(path: string, root: RootDatabase): Tables {
  const isNew = checkLayout(path, root, layout, names);
  const tables: Tables = {
    turns: root.openDB({ name: 'turns', encoding: 'json' }),
    ofPair: root.openDB({ name: 'of-pair', encoding: 'json' }),
    ofAll: root.openDB({ name: 'of-all', encoding: 'json' }),
    sessions: root.openDB({ name: 'sessions', encoding: 'json' }),
    sizes: root.openDB({ name: 'sizes', encoding: 'json' }),
  };
  if (isNew) root.openDB({ name: 'meta', encoding: 'json' }).putSync(layoutKey, layout);
  return tables;
}
