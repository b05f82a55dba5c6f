/** Where everything lies in Redis. All keys of a shard share one hash tag, so they are of one cluster slot. */

export const layoutVersion = 1;
export const defaultShards = 16;
export const defaultPrefix = 'ft';
/** Positions of one bitmap. */
export const chunkPositions = 65_536;

export interface Layout {
  readonly prefix: string;
  readonly shards: number;
}

export function metaKey(prefix: string): string {
  return `${prefix}:meta`;
}

export function policiesKey(prefix: string): string {
  return `${prefix}:policies`;
}

/** The lease of the one process that projects. */
export function projectorKey(prefix: string): string {
  return `${prefix}:projector`;
}

/** The lease of a pair's probe, under one number of its circuit. */
export function probeKey(prefix: string, tenant: string, pairId: string, transition: number): string {
  return `${prefix}:probe:${tenant}:${pairId}:${transition}`;
}

/** The lease of the one process that makes the state anew. */
export function rebuildKey(prefix: string): string {
  return `${prefix}:rebuild`;
}

/** The shard of a pair: its id is a hash already. */
export function shardOf({ shards }: Pick<Layout, 'shards'>, pairId: string): number {
  return Number.parseInt(pairId.slice(0, 8), 16) % shards;
}

export function pairKey(layout: Layout, shard: number, tenant: string, pairId: string): string {
  return `${layout.prefix}:{${shard}}:pair:${tenant}:${pairId}`;
}

/** Its last analysis. */
export function analysisKey(layout: Layout, shard: number, tenant: string, pairId: string): string {
  return `${layout.prefix}:{${shard}}:analysis:${tenant}:${pairId}`;
}

/** Ids of its last analyses. */
export function analysisIdsKey(layout: Layout, shard: number, tenant: string, pairId: string): string {
  return `${layout.prefix}:{${shard}}:analysed:${tenant}:${pairId}`;
}

export function shardKey(layout: Layout, shard: number, name: 'outbox' | 'due' | 'mark' | 'relay'): string {
  return `${layout.prefix}:{${shard}}:${name}`;
}

export function floorKey(layout: Layout, shard: number, source: string): string {
  return `${layout.prefix}:{${shard}}:floor:${source}`;
}

/** What the keys of a source's bitmaps begin with; the number of the chunk follows. */
export function seenPrefix(layout: Layout, shard: number, source: string): string {
  return `${layout.prefix}:{${shard}}:seen:${source}:`;
}

/** `<tenant>:<pair_id>`, as members of `due` and fields of the outbox have it. */
export function splitMember(member: string): { readonly tenant: string; readonly pairId: string } {
  const at = member.indexOf(':');
  return { tenant: member.slice(0, at), pairId: member.slice(at + 1) };
}

/** Shards from 0 up. */
export function allShards({ shards }: Layout): number[] {
  return Array.from({ length: shards }, (_, shard) => shard);
}
