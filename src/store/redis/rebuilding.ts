import { FulcrumError } from '../../errors.js';
import type { RebuiltPlace } from '../../ports.js';
import type { Calls } from './calls.js';
import { isCluster, type RedisClient } from './connection.js';
import { allShards, type Layout, metaKey, rebuildKey, shardKey } from './layout.js';
import { RedisLease } from './lease.js';
import { doAll } from './shards.js';

/** How long a rebuild counts as alive that says nothing, in ms. */
const lastsMs = 15_000;
/** Keys that are removed at the same time. */
const atATime = 500;

/** In `ft:meta`: nothing of the new state is there yet, and all that is goes. */
const preparing = 'preparing';
const begun = 'begun';
/** What the mark has for the run id of its server, until a processor has read what may be lacking: see `mark.lua`. */
const handedOver = 'rebuilt';

export const rebuildingField = 'rebuilding';
const fromField = 'rebuilt_from';

/** Says that a state is being made anew, before there is any. */
export async function beginRebuild(client: RedisClient, prefix: string): Promise<void> {
  await client.hsetnx(metaKey(prefix), rebuildingField, preparing);
}

/** A state that is being made anew: nobody else opens it, and processors that had it open end. */
export class Rebuilding implements RebuiltPlace {
  private readonly lease: RedisLease;

  private constructor(
    private readonly calls: Calls,
    private phase: string,
    readonly from: number | null,
  ) {
    const { client, url, layout } = calls;
    this.lease = new RedisLease(client, url, rebuildKey(layout.prefix), lastsMs);
  }

  static async of(calls: Calls): Promise<Rebuilding> {
    const { client, layout } = calls;
    const fields = await calls.ask(() => client.hgetall(metaKey(layout.prefix)));
    const from = fields[fromField];
    return new Rebuilding(
      calls,
      fields[rebuildingField] ?? preparing,
      from === undefined ? null : Number(from),
    );
  }

  /** An earlier rebuild had begun and did not end. */
  get goesOn(): boolean {
    return this.phase !== preparing;
  }

  hold(): Promise<boolean> {
    return this.lease.hold();
  }

  /** For another process, when this one ends early. */
  release(): Promise<void> {
    return this.lease.release();
  }

  async setFrom(from: number): Promise<void> {
    await this.setMeta(fromField, String(from));
  }

  /**
   * Removes what lies in the shards, so that the logs say all that there is: what processes wrote that had not noticed yet
   * that the state was gone. A rebuild that goes on has done that.
   *
   * @returns how many keys there were
   */
  async clear(): Promise<number> {
    if (this.goesOn) return 0;
    let removed = 0;
    for await (const keys of this.leftKeys()) {
      await doAll(keys, (key) => this.calls.ask(() => this.calls.client.del(key)));
      removed += keys.length;
    }
    await this.setMeta(rebuildingField, begun);
    this.phase = begun;
    return removed;
  }

  /**
   * Opens the state to processors. The first of them finds that this is not the server of the last mark and reads again
   * what came after it: whatever was acknowledged meanwhile on behalf of another state.
   */
  async handOver(): Promise<void> {
    const { client, layout } = this.calls;
    await doAll(allShards(layout), (shard) =>
      this.calls.ask(() => client.hset(shardKey(layout, shard, 'mark'), 'run_id', handedOver)),
    );
    await this.calls.ask(() => client.hdel(metaKey(layout.prefix), rebuildingField, fromField));
    await this.release();
  }

  private async setMeta(field: string, value: string): Promise<void> {
    await this.calls.ask(() => this.calls.client.hset(metaKey(this.calls.layout.prefix), field, value));
  }

  /** All keys of the shards, but for the leases of relays. */
  private async *leftKeys(): AsyncGenerator<readonly string[]> {
    const { client, layout } = this.calls;
    const match = shardPattern(layout);
    const relays = new Set(allShards(layout).map((shard) => shardKey(layout, shard, 'relay')));
    for (const node of isCluster(client) ? client.nodes('master') : [client]) {
      let cursor = '0';
      do {
        const [next, keys] = await this.calls.ask(() => node.scan(cursor, 'MATCH', match, 'COUNT', atATime));
        cursor = next;
        yield keys.filter((key) => !relays.has(key));
      } while (cursor !== '0');
    }
  }
}

/**
 * @param code `unavailable` for those who may well wait
 * @throws FulcrumError while a state is being made anew: then it is nobody's to work on
 */
export function refuseWhileRebuilt(
  fields: Readonly<Record<string, string>>,
  where: string,
  code: 'mismatch' | 'unavailable' = 'mismatch',
): void {
  if (fields[rebuildingField] === undefined) return;
  throw new FulcrumError(
    code,
    `${where}: the state is being rebuilt, or a rebuild did not end: wait for it, or begin it again with ` +
      '`fulcrum-trust rebuild`, which goes on where it was',
  );
}

function shardPattern({ prefix }: Layout): string {
  return `${prefix.replace(/[\\*?[\]]/g, '\\$&')}:{*}:*`;
}
