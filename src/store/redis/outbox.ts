import { randomUUID } from 'node:crypto';
import type { Outbox, OutboxEntry } from '../../ports.js';
import type { Calls } from './calls.js';
import { allShards, shardKey, splitMember } from './layout.js';
import { doAll, type ShardGroup } from './shards.js';
import { unpackTransition } from './transition.js';

/** How long the relay of a shard is this process's without a renewal, in ms. */
export const leaseMs = 5_000;

/** An entry of the stream: its id, and one field, named by the pair, that holds the transition. */
type OutboxRow = readonly [id: Buffer, fields: readonly [member: Buffer, bytes: Buffer]];

/** The outboxes of all shards, and the leases of those who publish what is in them. */
export class RedisOutbox {
  private readonly owner = randomUUID();

  constructor(private readonly calls: Calls) {}

  /** As the port has it. */
  readonly port: Outbox = {
    read: async (limit) => {
      const answers = await this.calls.shards.some(this.calls.groups, async (shards) => {
        const rows = await this.readShards(shards, limit);
        return shards.flatMap((shard, i) => toEntries(shard, rows[i] ?? 0));
      });
      return answers.flat();
    },
    remove: async (entries) => {
      const byShard = new Map<number, string[]>();
      for (const { id } of entries) {
        const [shard = '', entry = ''] = id.split('/');
        const ofShard = byShard.get(Number(shard));
        if (ofShard === undefined) byShard.set(Number(shard), [entry]);
        else ofShard.push(entry);
      }
      const answers = await doAll([...byShard], async ([shard, ids]) => {
        const gone = await this.calls.run('remove', { keys: [this.key(shard, 'outbox')], args: ids });
        return (gone as Buffer[]).map((id) => idOf(shard, id));
      });
      const gone = new Set(answers.flat());
      return entries.filter(({ id }) => gone.has(id));
    },
  };

  /**
   * Takes the leases of all relays, if nobody has them: whether it is this process that publishes what circuits do.
   * It stays so while the outbox is read.
   */
  async leads(): Promise<boolean> {
    const answers = await doAll(this.calls.groups, (shards) => this.readShards(shards, 1));
    return answers.flat().every((rows) => rows !== 0);
  }

  /** Lets the leases go: the next relay need not wait for them to lapse. */
  async release(): Promise<void> {
    const { client, layout } = this.calls;
    await doAll(allShards(layout), async (shard) => {
      const key = this.key(shard, 'relay');
      if ((await client.get(key)) === this.owner) await client.del(key);
    });
  }

  /** For each shard what is to be published, or 0 where that is another process's to do. */
  private async readShards(shards: ShardGroup, limit: number): Promise<(OutboxRow[] | number)[]> {
    const keys = shards.flatMap((shard) => [this.key(shard, 'relay'), this.key(shard, 'outbox')]);
    const answer = await this.calls.run('relay', { keys, args: [this.owner, leaseMs, limit] });
    return answer as (OutboxRow[] | number)[];
  }

  private key(shard: number, name: 'relay' | 'outbox'): string {
    return shardKey(this.calls.layout, shard, name);
  }
}

/** What `relay.lua` answers for one shard. */
function toEntries(shard: number, rows: readonly OutboxRow[] | number): OutboxEntry[] {
  if (typeof rows === 'number') return [];
  return rows.map(([id, [member, bytes]]) => {
    const { tenant, pairId } = splitMember(member.toString('utf8'));
    return { id: idOf(shard, id), ...unpackTransition(tenant, pairId, bytes) };
  });
}

function idOf(shard: number, id: Buffer): string {
  return `${shard}/${id.toString('latin1')}`;
}
