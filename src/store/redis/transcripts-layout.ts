/** Where turns lie in Redis, and how each is written. */
import type { Position } from '../../ports.js';
import type { TurnToKeep } from '../../rlm/ports.js';
import type { Turn } from '../../rlm/transcript.js';
import { shardOf } from './layout.js';

export const defaultTranscriptsPrefix = 'ft:transcripts';

/** What all keys of a pair's shard begin with. */
export function rootOf(prefix: string, shards: number, pairId: string): string {
  return `${prefix}:{${shardOf({ shards }, pairId)}}:`;
}

/** A turn as a member of its session's sorted set, and the time that is its score. */
export interface PackedTurn {
  readonly member: Buffer;
  readonly time: number;
}

/** A turn that was read, and where it comes in its session. */
export interface PlacedTurn {
  readonly turn: Turn;
  readonly time: number;
  /** Source and sequence, as bytes that are in the order of positions. */
  readonly place: Buffer;
}

const sequenceDigits = 16;

/**
 * Position, speaker, event id and text, a zero byte after each but the last. None of the first can hold one: positions and
 * ids are names, and the speaker is written as JSON.
 */
export function packTurn({ turn, position }: Pick<TurnToKeep, 'turn' | 'position'>): PackedTurn {
  const { speaker, eventId, text, time } = turn;
  const member = `${placeOf(position)}\0${JSON.stringify(speaker)}\0${eventId}\0${text}`;
  return { member: Buffer.from(member), time };
}

function placeOf({ source, sequence }: Position): string {
  return `${source}\0${String(sequence).padStart(sequenceDigits, '0')}`;
}

export function unpackTurn(member: Buffer, time: number): PlacedTurn {
  const endOfSource = member.indexOf(0);
  const endOfPlace = member.indexOf(0, endOfSource + 1);
  const endOfSpeaker = member.indexOf(0, endOfPlace + 1);
  const endOfId = member.indexOf(0, endOfSpeaker + 1);
  return {
    turn: {
      speaker: JSON.parse(member.toString('utf8', endOfPlace + 1, endOfSpeaker)) as string,
      text: member.toString('utf8', endOfId + 1),
      time,
      eventId: member.toString('utf8', endOfSpeaker + 1, endOfId),
    },
    time,
    place: member.subarray(0, endOfPlace),
  };
}

/** Whether a turn comes after another, by time, then by position. */
export function comesAfter(turn: PlacedTurn, other: PlacedTurn): boolean {
  return turn.time === other.time ? Buffer.compare(turn.place, other.place) > 0 : turn.time > other.time;
}
