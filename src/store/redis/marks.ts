/** How far sources are acknowledged, by shard, and what a server that changed may have lost. */
import type { LostTail, SourceMark } from '../../ports.js';
import type { Calls } from './calls.js';
import { nameOf } from './connection.js';
import { allShards, floorKey, metaKey, seenPrefix, shardKey } from './layout.js';
import { emptied } from './meta.js';
import { refuseWhileRebuilt } from './rebuilding.js';
import type { ScriptValue } from './scripts.js';
import { doAll } from './shards.js';

export interface MarksOptions {
  /** Positions this far below the acknowledged one are no longer told apart. */
  readonly replaySpan: number;
  /** A first mark may be made though events were acknowledged. */
  readonly beginsAfresh: boolean;
  /** It is this process that makes the state anew. */
  readonly rebuilds: boolean;
}

/** What `mark.lua` answers for a shard. */
type MarkAnswer =
  | { readonly kind: 'written'; readonly disused: readonly string[] }
  | {
      readonly kind: 'lost';
      readonly shard: number;
      readonly rebuilt: boolean;
      readonly runId: string;
      readonly since: number;
      readonly from: ReadonlyMap<string, number>;
    }
  | { readonly kind: 'emptied'; readonly shard: number };

type Lost = Extract<MarkAnswer, { kind: 'lost' }>;

export class Marks {
  /** The run id of the server that this process marked each shard on last. */
  private readonly known = new Map<number, string>();
  /** Which shards a tail is of, and the run ids of their servers when it was noticed. */
  private readonly tails = new WeakMap<LostTail, readonly Lost[]>();

  constructor(
    private readonly calls: Calls,
    private readonly options: MarksOptions,
  ) {}

  /**
   * @param now the time by the server's clock, seconds since the epoch
   * @throws FulcrumError `mismatch` when the state was emptied
   */
  async write(marks: readonly SourceMark[], now: number): Promise<LostTail | null> {
    const { shards, groups } = this.calls;
    await this.findMeta();
    const answers = await shards.some(groups, (group) =>
      doAll(group, (shard) => this.writeShard(shard, marks, now)),
    );
    const lost: Lost[] = [];
    for (const answer of answers.flat()) {
      if (answer.kind === 'emptied') throw emptied(this.calls.url, this.key(answer.shard));
      if (answer.kind === 'lost') lost.push(answer);
    }
    if (lost.length === 0) return null;
    const tail = tailOf(lost);
    this.tails.set(tail, lost);
    return tail;
  }

  /** False where one of its servers changed once more, or was emptied. The others are taken over all the same. */
  async adopt(tail: LostTail): Promise<boolean> {
    const adopted = await doAll(this.tails.get(tail) ?? [], async ({ shard, runId }) => {
      const isSame = (await this.calls.run('adopt', { keys: [this.key(shard)], args: [runId] })) === 1;
      if (isSame) this.known.set(shard, runId);
      return isSame;
    });
    return adopted.length > 0 && adopted.every((isSame) => isSame);
  }

  async read(): Promise<readonly SourceMark[]> {
    const { shards, groups, client } = this.calls;
    // Every shard has them all; one that was away for a while is behind, which is no harm.
    const fields = await shards.first(groups, ([shard = 0]) =>
      this.calls.ask(() => client.hgetall(this.key(shard))),
    );
    return Object.entries(fields).flatMap(([field, value]) => {
      const source = /^acknowledged:(.*)$/s.exec(field)?.[1];
      if (source === undefined) return [];
      const readTo = fields[`read_to:${source}`];
      return [
        { source, acknowledged: Number(value), ...(readTo === undefined ? {} : { readTo: Number(readTo) }) },
      ];
    });
  }

  /** Forgets a source that comes no more, its marks and which of its positions were applied. */
  async forget(source: string): Promise<void> {
    await doAll(allShards(this.calls.layout), (shard) => this.forgetIn(shard, source));
  }

  /** A layout that is gone was not alone, whatever its shards say; nor does another process go on while it is rebuilt. */
  private async findMeta(): Promise<void> {
    const { client, layout, url } = this.calls;
    const key = metaKey(layout.prefix);
    const fields = await this.calls.askAny(() => client.hgetall(key));
    if (fields === undefined) return;
    if (fields['layout'] === undefined) throw emptied(url, key);
    if (!this.options.rebuilds) refuseWhileRebuilt(fields, `${nameOf(url)}, key ${key}`);
  }

  private async writeShard(shard: number, marks: readonly SourceMark[], now: number): Promise<MarkAnswer> {
    const { layout } = this.calls;
    const keys = [this.key(shard), ...marks.map(({ source }) => floorKey(layout, shard, source))];
    const known = this.known.get(shard);
    const nothingAcknowledged = marks.every(({ acknowledged }) => acknowledged === 0);
    const mayBegin = known === undefined && (this.options.beginsAfresh || nothingAcknowledged);
    const args: ScriptValue[] = [this.options.replaySpan, known ?? '', mayBegin ? 1 : 0, now];
    for (const { source, acknowledged, readTo } of marks)
      args.push(source, acknowledged, readTo ?? '', seenPrefix(layout, shard, source));
    const answer = answerOf(shard, await this.calls.run('mark', { keys, args }));
    if (answer.kind !== 'written') return answer;
    this.known.set(shard, answer.runId);
    for (const source of answer.disused) await this.forgetIn(shard, source);
    return answer;
  }

  private async forgetIn(shard: number, source: string): Promise<void> {
    const { layout } = this.calls;
    const keys = [this.key(shard), floorKey(layout, shard, source)];
    await this.calls.run('forget', { keys, args: [source, seenPrefix(layout, shard, source)] });
  }

  private key(shard: number): string {
    return shardKey(this.calls.layout, shard, 'mark');
  }
}

function answerOf(shard: number, answer: unknown) {
  const [kind, runId = '', ...rest] = (answer as Buffer[]).map((text) => text.toString('utf8'));
  switch (kind) {
    case 'w':
      return { kind: 'written', runId, disused: rest } as const;
    case 'b':
    case 'l': {
      const [since, ...positions] = rest;
      const from = new Map<string, number>();
      for (let i = 0; i + 1 < positions.length; i += 2)
        from.set(positions[i] as string, Number(positions[i + 1]));
      const rebuilt = kind === 'b';
      return { kind: 'lost', shard, rebuilt, runId, since: Number(since), from } as const;
    }
    default:
      return { kind: 'emptied', shard } as const;
  }
}

/** What is surely there of all of them: of each source as much as of the shard that has least of it. */
function tailOf(lost: readonly Lost[]): LostTail {
  const [first, ...others] = lost;
  const from = new Map<string, number>();
  for (const [source, position] of first?.from ?? [])
    if (others.every((other) => other.from.has(source)))
      from.set(source, Math.min(position, ...others.map((other) => other.from.get(source) ?? 0)));
  const since = Math.min(...lost.map((each) => each.since));
  return { from, since, ...(lost.every(({ rebuilt }) => rebuilt) ? { rebuilt: true } : {}) };
}
