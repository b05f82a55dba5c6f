import type { OutboxEntry } from '../../ports.js';
import { splitMember } from './layout.js';
import { unpackTransition } from './transition.js';

/** An entry of the stream: its id, and one field, named by the pair, that holds the transition. */
export type OutboxRow = readonly [id: Buffer, fields: readonly [member: Buffer, bytes: Buffer]];

/** What `relay.lua` answers for one shard. */
export function toEntries(shard: number, rows: readonly OutboxRow[] | number): OutboxEntry[] {
  if (typeof rows === 'number') return [];
  return rows.map(([id, [member, bytes]]) => {
    const { tenant, pairId } = splitMember(member.toString('utf8'));
    return { id: `${shard}/${id.toString('latin1')}`, ...unpackTransition(tenant, pairId, bytes) };
  });
}
