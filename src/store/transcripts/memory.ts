import { systemClock } from '../../clock.js';
import { firstThat } from '../../first-that.js';
import type { Clock, Position } from '../../ports.js';
import type {
  KeptSession,
  SessionOf,
  TranscriptBounds,
  TranscriptStore,
  TurnToKeep,
} from '../../rlm/ports.js';
import type { Turn } from '../../rlm/transcript.js';
import { defaultTranscriptBounds, textBytes } from '../../rlm/transcript-bounds.js';
import { byPair } from './by-pair.js';

export interface MemoryTranscriptsOptions {
  /** @defaultValue {@link defaultTranscriptBounds} */
  readonly bounds?: TranscriptBounds;
  /** @defaultValue the system's */
  readonly clock?: Clock;
}

type KeptTurn = Pick<TurnToKeep, 'turn' | 'position'>;

interface Session {
  /** In order. */
  readonly turns: KeptTurn[];
  bytes: number;
}

interface PairOf {
  readonly sessions: Map<string, Session>;
  bytes: number;
}

/** The session that has the oldest turn of some. */
interface Oldest {
  readonly time: number;
  readonly pairKey: string;
  readonly session: string;
}

/** Turns in this process, gone when it ends: for tests and for trying things out. */
export class MemoryTranscripts implements TranscriptStore {
  private readonly pairs = new Map<string, PairOf>();
  private readonly bounds: TranscriptBounds;
  private readonly clock: Clock;
  private bytes = 0;

  constructor(options: MemoryTranscriptsOptions = {}) {
    this.bounds = options.bounds ?? defaultTranscriptBounds;
    this.clock = options.clock ?? systemClock;
  }

  add(turns: readonly TurnToKeep[]): void {
    for (const { tenant, pairId, turns: ofPair } of byPair(turns)) {
      const key = `${tenant}/${pairId}`;
      for (const turn of ofPair) this.insert(key, turn);
      this.holdBounds(key);
    }
  }

  sessions(tenant: string, pairId: string): readonly KeptSession[] {
    const kept = [...(this.pairs.get(`${tenant}/${pairId}`)?.sessions ?? [])];
    return kept
      .map(([session, { turns, bytes }]) => ({
        session,
        turns: turns.length,
        bytes,
        lastAt: turns.at(-1)?.turn.time ?? Number.NEGATIVE_INFINITY,
      }))
      .filter(({ lastAt }) => lastAt >= this.oldestKept())
      .sort((a, b) => b.lastAt - a.lastAt);
  }

  async *turns(
    { tenant, pairId, session }: SessionOf,
    since = Number.NEGATIVE_INFINITY,
  ): AsyncGenerator<Turn> {
    let last: KeptTurn | null = null;
    for (;;) {
      // Looked up anew for each: others may add and trim meanwhile.
      const turns: readonly KeptTurn[] =
        this.pairs.get(`${tenant}/${pairId}`)?.sessions.get(session)?.turns ?? [];
      const next: KeptTurn | undefined = turns[last === null ? 0 : firstAfter(turns, last)];
      if (next === undefined) return;
      last = next;
      if (next.turn.time >= Math.max(since, this.oldestKept())) yield next.turn;
    }
  }

  close(): void {}

  private oldestKept(): number {
    return this.clock() - this.bounds.maxAgeSeconds;
  }

  private insert(pairKey: string, { session: name, turn, position }: TurnToKeep): void {
    if (turn.time < this.oldestKept()) return;
    const pair = this.pairs.get(pairKey) ?? { sessions: new Map<string, Session>(), bytes: 0 };
    const session = pair.sessions.get(name) ?? { turns: [], bytes: 0 };
    this.pairs.set(pairKey, pair);
    pair.sessions.set(name, session);
    const kept = { turn, position };
    const at = firstAfter(session.turns, kept);
    const before = session.turns[at - 1];
    if (before !== undefined && compareTurns(before, kept) === 0) return;
    session.turns.splice(at, 0, kept);
    this.count(pair, session, textBytes(turn.text));
  }

  private count(pair: PairOf, session: Session, bytes: number): void {
    session.bytes += bytes;
    pair.bytes += bytes;
    this.bytes += bytes;
  }

  private holdBounds(pairKey: string): void {
    const { bytesPerPair, bytesInTotal } = this.bounds;
    const ofPair = () => this.oldestOf([pairKey]);
    while ((this.pairs.get(pairKey)?.bytes ?? 0) > bytesPerPair) this.dropFirst(ofPair());
    const ofAll = () => this.oldestOf(this.pairs.keys());
    for (let oldest = ofAll(); oldest !== null; oldest = ofAll()) {
      if (oldest.time >= this.oldestKept() && this.bytes <= bytesInTotal) break;
      this.dropFirst(oldest);
    }
  }

  private oldestOf(pairKeys: Iterable<string>): Oldest | null {
    let oldest: Oldest | null = null;
    for (const pairKey of pairKeys)
      for (const [session, { turns }] of this.pairs.get(pairKey)?.sessions ?? []) {
        const time = turns[0]?.turn.time;
        if (time !== undefined && (oldest === null || time < oldest.time))
          oldest = { time, pairKey, session };
      }
    return oldest;
  }

  private dropFirst(oldest: Oldest | null): void {
    const pair = this.pairs.get(oldest?.pairKey ?? '');
    const session = pair?.sessions.get(oldest?.session ?? '');
    const dropped = session?.turns.shift();
    if (oldest === null || pair === undefined || session === undefined || dropped === undefined) return;
    this.count(pair, session, -textBytes(dropped.turn.text));
    if (session.turns.length === 0) pair.sessions.delete(oldest.session);
    if (pair.sessions.size === 0) this.pairs.delete(oldest.pairKey);
  }
}

/** By time, those of one time by position. */
function compareTurns(a: KeptTurn, b: KeptTurn): number {
  return a.turn.time - b.turn.time || comparePositions(a.position, b.position);
}

/** By the bytes of the source's name, then along the source. */
function comparePositions(a: Position, b: Position): number {
  if (a.source === b.source) return a.sequence - b.sequence;
  return Buffer.compare(Buffer.from(a.source), Buffer.from(b.source));
}

/** Index of the first that comes after a turn. */
function firstAfter(turns: readonly KeptTurn[], turn: KeptTurn): number {
  return firstThat(turns.length, (i) => compareTurns(turns[i] as KeptTurn, turn) > 0);
}
