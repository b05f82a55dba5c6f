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
import { defaultTranscriptBounds } from '../../rlm/transcript-bounds.js';
import { byPair, type PairTurns } from '../transcripts/by-pair.js';
import {
  type ConnectionListener,
  connectRedis,
  disconnect,
  type RedisClient,
  type RedisConnection,
  unavailable,
} from './connection.js';
import { Rights, transcriptCommands } from './rights.js';
import { runScript, type ScriptName, type ScriptValue } from './scripts.js';
import {
  comesAfter,
  defaultTranscriptsPrefix,
  type PlacedTurn,
  packTurn,
  rootOf,
  unpackTurn,
} from './transcripts-layout.js';

export interface RedisTranscriptsOptions {
  /** Of a Redis that is not the trust path's: transcripts may fill it. */
  readonly url: string;
  readonly tls?: NonNullable<RedisConnection['tls']>;
  /** @defaultValue `ft:transcripts` */
  readonly prefix?: string;
  /** Parts of the keys, each on one node of a cluster. The bound of all is shared evenly among them. @defaultValue 1 */
  readonly shards?: number;
  /** @defaultValue {@link defaultTranscriptBounds} */
  readonly bounds?: TranscriptBounds;
  /** @defaultValue the system's */
  readonly clock?: Clock;
  readonly onStatus?: ConnectionListener;
}

/** Of one call of a script: what it takes is bounded, so that the server answers others meanwhile. */
const mostTurnsOfCall = 200;
const mostBytesOfCall = 1024 * 1024;
const mostDropsOfCall = 1_000;
const mostTurnsOfPage = 1_000;
const mostSessionsOfCall = 500;
/** A key that nobody adds to outlives its turns by so long. */
const spareSeconds = 3_600;

/**
 * Turns in Redis, for any number of processes. A call of a script is one pair's turns with all that is counted of them, so it
 * happens whole or not at all; one that is done again adds nothing.
 */
export class RedisTranscripts implements TranscriptStore {
  private readonly prefix: string;
  private readonly shards: number;
  private readonly bounds: TranscriptBounds;
  private readonly clock: Clock;
  private readonly rights: Rights;
  private isOpen = true;

  private constructor(
    private readonly client: RedisClient,
    private readonly url: string,
    options: RedisTranscriptsOptions,
  ) {
    this.prefix = options.prefix ?? defaultTranscriptsPrefix;
    this.shards = options.shards ?? 1;
    this.bounds = options.bounds ?? defaultTranscriptBounds;
    this.clock = options.clock ?? systemClock;
    this.rights = new Rights(client, url, transcriptCommands);
  }

  /** @throws FulcrumError `config`, `denied` or `unavailable` */
  static async open(options: RedisTranscriptsOptions): Promise<RedisTranscripts> {
    const client = await connectRedis(options, options.onStatus ?? (() => {}));
    return new RedisTranscripts(client, options.url, options);
  }

  async add(turns: readonly TurnToKeep[]): Promise<void> {
    for (const pair of byPair(turns)) for (const part of inParts(pair)) await this.keep(part);
  }

  async sessions(tenant: string, pairId: string): Promise<readonly KeptSession[]> {
    const { root, pair } = this.place(tenant, pairId);
    const names = await this.ask(() => this.client.zrange(`${root}sessions:${pair}`, '0', '-1'));
    const sessions: KeptSession[] = [];
    for (let i = 0; i < names.length; i += mostSessionsOfCall) {
      const some = names.slice(i, i + mostSessionsOfCall);
      const keys = [`${root}texts:${pair}`, ...some.map((session) => `${root}turns:${pair}:${session}`)];
      const found = await this.run('list-sessions', keys, [String(this.oldestKept()), ...some]);
      sessions.push(...sessionsIn(found as (Buffer | number)[]));
    }
    return sessions.sort((a, b) => b.lastAt - a.lastAt);
  }

  async *turns(
    { tenant, pairId, session }: SessionOf,
    since = Number.NEGATIVE_INFINITY,
  ): AsyncGenerator<Turn> {
    const { root, pair } = this.place(tenant, pairId);
    let last: (PlacedTurn & { readonly member: Buffer }) | null = null;
    for (;;) {
      const page = (await this.run(
        'read-turns',
        [`${root}turns:${pair}:${session}`],
        [
          last?.member ?? '',
          String(last?.time ?? Math.max(since, this.oldestKept())),
          mostTurnsOfPage,
          mostBytesOfCall,
        ],
      )) as Buffer[];
      const before: PlacedTurn | null = last;
      for (let i = 0; i < page.length; i += 2) {
        const member = page[i] as Buffer;
        const placed = unpackTurn(member, Number(page[i + 1]));
        last = { ...placed, member };
        if (placed.time >= this.oldestKept() && (before === null || comesAfter(placed, before)))
          yield placed.turn;
      }
      if (page.length === 0) return;
    }
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    disconnect(this.client);
  }

  /** Again until nothing is beyond the bounds: each call drops some at most. */
  private async keep({ tenant, pairId, turns }: PairTurns): Promise<void> {
    const { root, pair } = this.place(tenant, pairId);
    const names = new Set(turns.map(({ session }) => session));
    const keys = [
      ...[`${root}sizes`, `${root}pairs`, `${root}sessions:${pair}`, `${root}texts:${pair}`],
      ...[...names].map((session) => `${root}turns:${pair}:${session}`),
    ];
    await this.ask(() => this.rights.check(keys));
    const { bytesPerPair, bytesInTotal, maxAgeSeconds } = this.bounds;
    let packed: ScriptValue[] = turns.flatMap((turn) => {
      const { member, time } = packTurn(turn);
      return [turn.session, String(time), member];
    });
    for (let isMore = true; isMore; packed = [])
      isMore =
        (await this.run('keep-turns', keys, [
          root,
          pair,
          String(this.oldestKept()),
          bytesPerPair,
          Math.floor(bytesInTotal / this.shards),
          Math.ceil(maxAgeSeconds) + spareSeconds,
          mostDropsOfCall,
          ...packed,
        ])) === 1;
  }

  private place(tenant: string, pairId: string): { readonly root: string; readonly pair: string } {
    return { root: rootOf(this.prefix, this.shards, pairId), pair: `${tenant}:${pairId}` };
  }

  private oldestKept(): number {
    return this.clock() - this.bounds.maxAgeSeconds;
  }

  private run(name: ScriptName, keys: readonly string[], args: readonly ScriptValue[]): Promise<unknown> {
    return this.ask(() => runScript(this.client, name, keys, args));
  }

  private async ask<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isOpen) throw new FulcrumError('store_closed', 'the store of transcripts is closed');
    try {
      return await work();
    } catch (error) {
      throw unavailable(this.url, error);
    }
  }
}

/** The turns of a pair, so many at a time as one call takes. */
function* inParts({ turns, ...of }: PairTurns): Generator<PairTurns> {
  let part: TurnToKeep[] = [];
  let bytes = 0;
  for (const turn of turns) {
    part.push(turn);
    bytes += Buffer.byteLength(turn.turn.text);
    if (part.length < mostTurnsOfCall && bytes < mostBytesOfCall) continue;
    yield { ...of, turns: part };
    part = [];
    bytes = 0;
  }
  if (part.length > 0) yield { ...of, turns: part };
}

/** What a script listed: session, turns, bytes and time of the newest of each. */
function sessionsIn(listed: readonly (Buffer | number)[]): KeptSession[] {
  const sessions: KeptSession[] = [];
  for (let i = 0; i < listed.length; i += 4) {
    const [session, turns, bytes, lastAt] = listed.slice(i, i + 4).map(String);
    sessions.push({
      session: String(session),
      turns: Number(turns),
      bytes: Number(bytes),
      lastAt: Number(lastAt),
    });
  }
  return sessions;
}
