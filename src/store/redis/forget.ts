import type { SourceMark } from '../../ports.js';
import type { RedisClient } from './connection.js';
import { allShards, chunkPositions, floorKey, type Layout, seenPrefix, shardKey } from './layout.js';

/**
 * Removes the bitmaps, floors and marks of a source. The mark of shard 0 goes last: while it is there, the source is
 * found and what an interrupted call left is removed by the next one.
 */
export async function forgetSource(
  client: RedisClient,
  layout: Layout,
  { source, acknowledged }: SourceMark,
  replaySpan: number,
): Promise<void> {
  const shards = allShards(layout);
  const removeChunk = async (chunk: number): Promise<number> => {
    const removed = await Promise.all(
      shards.map((shard) => client.del(seenPrefix(layout, shard, source) + chunk)),
    );
    return removed.reduce((sum, count) => sum + count, 0);
  };
  const marked = Math.floor(acknowledged / chunkPositions);
  // Chunks below the floor are gone; those behind the mark follow each other without a gap.
  for (let chunk = Math.max(0, Math.floor((acknowledged - replaySpan) / chunkPositions)); ; chunk++)
    if ((await removeChunk(chunk)) === 0 && chunk > marked) break;
  for (const shard of shards.reverse()) {
    await client.del(floorKey(layout, shard, source));
    await client.hdel(shardKey(layout, shard, 'mark'), `acknowledged:${source}`, `read_to:${source}`);
  }
}
