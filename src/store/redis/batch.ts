/** A batch of interactions as one call of `apply.lua`, and its answer. The forms are described there. */
import { hash, randomBytes } from 'node:crypto';
import type { ApplyBatch, ApplyResult, InteractionToApply } from '../../ports.js';
import { trustOutcomes } from '../../trust/outcome.js';
import type { Policy } from '../../trust/policy.js';
import { isPairOf, type TrustState } from '../../trust/state.js';
import type { Transition } from '../../trust/transition.js';
import { idBytes, packNames, unpackPair } from '../packed.js';
import { chunkPositions, floorKey, type Layout, pairKey, seenPrefix, shardKey, shardOf } from './layout.js';
import type { ScriptValue } from './scripts.js';
import { policyText, unpackTransition } from './transition.js';

/** Event ids that a pair remembers. */
export const mostIds = 8;
/** Positions whose bits are read and written together. */
const blockPositions = 1_024;
const eventBytes = 38;
const withId = 4;
const withPosition = 8;

const callPrefix = 'call\u0000';

/** An id for an event of no log: the same call sent again after a broken connection counts once. */
export function callId(): string {
  return callPrefix + randomBytes(12).toString('base64');
}

export interface ScriptCall {
  readonly keys: string[];
  readonly args: ScriptValue[];
}

/** Bits of one source in one shard that a batch looks at. */
interface Segment {
  readonly key: string;
  readonly floor: number;
  /** Position of the block's first bit. */
  readonly base: number;
  firstByte: number;
  lastByte: number;
}

/** Splits a batch where two events claim one pair id for different agents: each is judged by what is stored. */
export function splitCollisions(events: readonly InteractionToApply[]): (readonly InteractionToApply[])[] {
  const parts: InteractionToApply[][] = [];
  let part: InteractionToApply[] = [];
  let seen = new Map<string, InteractionToApply>();
  for (const event of events) {
    const key = `${event.tenant}:${event.pairId}`;
    const known = seen.get(key);
    if (known === undefined) seen.set(key, event);
    else if (!isPairOf(known, event)) {
      parts.push(part);
      part = [];
      seen = new Map([[key, event]]);
    }
    part.push(event);
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

export function applyCall(
  layout: Layout,
  batch: Omit<ApplyBatch, 'events'>,
  events: readonly InteractionToApply[],
): ScriptCall {
  const shards = new Indexed<number>();
  const segments = new Indexed<string, Segment>();
  const floors = new Indexed<string>();
  const pairs = new Indexed<string, { readonly shard: number; readonly event: InteractionToApply }>();
  const segmentOf: (Segment | null)[] = [];
  const buffer = Buffer.allocUnsafe(events.length * eventBytes);
  const texts: string[] = [];
  let textAt = 1;

  events.forEach((event, i) => {
    const shard = shardOf(layout, event.pairId);
    const shardIndex = shards.index(shard);
    const pair = pairs.index(pairKey(layout, shard, event.tenant, event.pairId), () => ({
      shard: shardIndex,
      event,
    }));
    const at = i * eventBytes;
    buffer.writeUInt16LE(pair, at);
    buffer.writeUInt16LE(event.policy + 1, at + 2);
    let marks = trustOutcomes.indexOf(event.outcome);
    if (event.position === null) {
      segmentOf.push(null);
      buffer.writeUInt32LE(0, at + 4);
    } else {
      marks |= withPosition;
      const segment = segmentAt(layout, shard, event.position, segments, floors);
      segmentOf.push(segments.get(segment));
      buffer.writeUInt16LE(segment, at + 4);
    }
    buffer.writeDoubleLE(event.time, at + 9);
    buffer.writeDoubleLE(event.weight, at + 17);
    if (event.duplicateKey === null) buffer.fill(0, at + 25, at + 31);
    else {
      marks |= withId;
      buffer.write(idDigest(event.duplicateKey), at + 25, 'latin1');
    }
    buffer[at + 8] = marks;
    const trace = event.traceparent ?? '';
    const idLength = Buffer.byteLength(event.eventId);
    buffer.writeUInt32LE(textAt, at + 31);
    buffer.writeUInt16LE(idLength, at + 35);
    buffer[at + 37] = trace.length;
    texts.push(event.eventId, trace);
    textAt += idLength + trace.length;
  });
  // Where a segment's bytes begin is known when all of them have been seen.
  events.forEach(({ position }, i) => {
    const segment = segmentOf[i];
    if (position !== null && segment != null)
      buffer.writeUInt16LE(position.sequence - segment.base - 8 * segment.firstByte, i * eventBytes + 6);
  });

  return {
    keys: [
      ...shards.keys.flatMap((shard) => [shardKey(layout, shard, 'outbox'), shardKey(layout, shard, 'due')]),
      ...segments.values.map(({ key }) => key),
      ...floors.keys,
      ...pairs.keys,
    ],
    args: [
      headerOf(shards.size, segments.size, floors.size, pairs.size, batch),
      packSegments(segments.values),
      packPairs(pairs.values),
      buffer,
      texts.join(''),
      ...batch.policies.flatMap(policyArgs),
    ],
  };
}

/** A policy as the scripts take it. */
export function policyArgs(policy: Policy): [numbers: Buffer, text: string] {
  const { config } = policy;
  const numbers = [
    config.threshold,
    config.halfLifeSeconds,
    config.alphaPrior,
    config.betaPrior,
    config.successWeight,
    config.failureWeight,
    config.partialAlphaWeight,
    config.partialBetaWeight,
    config.recoveryCooldownSeconds ?? Number.NaN,
    config.alphaMax ?? Number.POSITIVE_INFINITY,
  ];
  return [packDoubles(numbers), policyText(policy)];
}

export function packDoubles(numbers: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(8 * numbers.length);
  numbers.forEach((number, i) => void buffer.writeDoubleLE(number, 8 * i));
  return buffer;
}

/** 6 bytes of a digest, as latin1: what a pair remembers of an event id. */
function idDigest(key: string): string {
  return hash('sha1', key, 'latin1' as 'hex').slice(0, idBytes);
}

/** The segment, counted from 1, that holds a position's bit. */
function segmentAt(
  layout: Layout,
  shard: number,
  { source, sequence }: { readonly source: string; readonly sequence: number },
  segments: Indexed<string, Segment>,
  floors: Indexed<string>,
): number {
  const base = Math.floor(sequence / blockPositions) * blockPositions;
  const index = segments.index(`${shard}/${base}/${source}`, () => ({
    key: seenPrefix(layout, shard, source) + Math.floor(sequence / chunkPositions),
    floor: floors.index(floorKey(layout, shard, source)),
    base,
    firstByte: blockPositions,
    lastByte: 0,
  }));
  const segment = segments.get(index);
  const byte = (sequence - base) >> 3;
  if (byte < segment.firstByte) segment.firstByte = byte;
  if (byte > segment.lastByte) segment.lastByte = byte;
  return index;
}

function headerOf(
  shards: number,
  segments: number,
  floors: number,
  pairs: number,
  { rules, states, nowMs }: Omit<ApplyBatch, 'events'>,
): Buffer {
  const header = Buffer.allocUnsafe(17);
  [shards, segments, floors, pairs].forEach((count, i) => void header.writeUInt16LE(count, 2 * i));
  header[8] = (rules.timedRecovery ? 1 : 0) | (rules.streamed ? 2 : 0) | (states === false ? 0 : 4);
  header.writeDoubleLE(nowMs, 9);
  return header;
}

function packSegments(segments: readonly Segment[]): Buffer {
  const buffer = Buffer.allocUnsafe(14 * segments.length);
  segments.forEach(({ base, firstByte, lastByte, floor }, i) => {
    const at = 14 * i;
    buffer.writeUInt16LE(((base % chunkPositions) >> 3) + firstByte, at);
    buffer.writeUInt16LE(lastByte - firstByte + 1, at + 2);
    buffer.writeUInt16LE(floor, at + 4);
    buffer.writeDoubleLE(base + 8 * firstByte, at + 6);
  });
  return buffer;
}

function packPairs(pairs: readonly { readonly shard: number; readonly event: InteractionToApply }[]): Buffer {
  return Buffer.concat(pairs.flatMap(({ shard, event }) => withNames(shard, event)));
}

/** A number and both names of a pair, for `<I2I4c0`. */
export function withNames(number: number, names: Pick<InteractionToApply, 'agentA' | 'agentB'>): Buffer[] {
  const packed = packNames(names);
  const head = Buffer.allocUnsafe(6);
  head.writeUInt16LE(number, 0);
  head.writeUInt32LE(packed.length, 2);
  return [head, packed];
}

/** Things by a key, each with the index of its first mention, from 1. */
class Indexed<K, V = null> {
  readonly keys: K[] = [];
  readonly values: V[] = [];
  private readonly indexes = new Map<K, number>();

  get size(): number {
    return this.keys.length;
  }

  index(key: K, make?: () => V): number {
    let index = this.indexes.get(key);
    if (index === undefined) {
      index = this.keys.push(key);
      this.indexes.set(key, index);
      if (make !== undefined) this.values.push(make());
    }
    return index;
  }

  get(index: number): V {
    return this.values[index - 1] as V;
  }
}

/** What `apply.lua` answers, as results of the events that it was called with. */
export function applyResults(answer: unknown, events: readonly InteractionToApply[]): ApplyResult[] {
  const [kinds, told, changes, states] = answer as [Buffer, number[], Buffer[], Buffer[]];
  const transitionsOf = new Map<number, Transition[]>();
  told.forEach((event, i) => {
    const { tenant, pairId } = events[event - 1] as InteractionToApply;
    const { transition } = unpackTransition(tenant, pairId, changes[i] as Buffer);
    transitionsOf.set(event - 1, [...(transitionsOf.get(event - 1) ?? []), transition]);
  });
  return events.map((event, i) =>
    resultOf(String.fromCharCode(kinds[i] ?? 0), event, transitionsOf.get(i) ?? none, states[i]),
  );
}

const none: readonly Transition[] = Object.freeze([]);

function resultOf(
  kind: string,
  event: InteractionToApply,
  transitions: readonly Transition[],
  state: Buffer | undefined,
): ApplyResult {
  switch (kind) {
    case 'a':
      return {
        kind: 'applied',
        state: state === undefined ? null : stateOf(event.pairId, state),
        transitions,
      };
    case 'r':
      return { kind: 'repeat' };
    case 'd':
      return event.duplicateKey?.startsWith(callPrefix) === true && state !== undefined
        ? { kind: 'applied', state: stateOf(event.pairId, state), transitions: none }
        : { kind: 'duplicate' };
    case 's':
      return { kind: 'superseded' };
    default:
      return rejectionOf(kind, event.pairId);
  }
}

export function rejectionOf(kind: string, pairId: string): Extract<ApplyResult, { kind: 'rejected' }> {
  return kind === 'c'
    ? { kind: 'rejected', reason: 'pair_id_collision', detail: `pair id ${pairId} belongs to other agents` }
    : {
        kind: 'rejected',
        reason: 'state_unreadable',
        detail: `what Redis holds under the name of pair ${pairId} is not a pair of this version`,
      };
}

/** The state in a packed pair; null where it is empty. */
export function stateOf(pairId: string, packed: Buffer): TrustState | null {
  return packed.length === 0 ? null : unpackPair(pairId, packed, 0, mostIds).state;
}
