/** A batch of interactions as one call of `apply.lua`. The forms of its arguments are described there. */
import { randomBytes } from 'node:crypto';
import type { ApplyBatch, InteractionToApply } from '../../ports.js';
import { trustOutcomes } from '../../trust/outcome.js';
import type { Policy } from '../../trust/policy.js';
import { packNames, writeNames } from '../packed.js';
import type { ScriptCall } from './calls.js';
import type { PairEvents } from './grouping.js';
import { idBytes, writeIdDigest } from './id-digest.js';
import { type Layout, pairKey, shardKey, shardOf } from './layout.js';
import { type Segment, Segments } from './positions.js';
import { policyText } from './transition.js';

const eventBytes = 14 + idBytes;
const detailBytes = 19;
const withId = 4;
const withPosition = 8;
const withDetails = 16;
const withProbe = 32;
const probeDigits = 16;

const callPrefix = 'call\u0000';

/** An id for an event of no log: the same call sent again after a broken connection counts once. */
export function callId(): string {
  return callPrefix + randomBytes(12).toString('base64');
}

export function isCallId(key: string | null): boolean {
  return key?.startsWith(callPrefix) === true;
}

/** @param groups all events of the call, see `groupByPair` */
export function applyCall(layout: Layout, batch: ApplyBatch, groups: readonly PairEvents[]): ScriptCall {
  const shards = new Map<number, number>();
  const segments = new Segments(layout);
  const pairs = new PackedPairs(groups);
  const events = new PackedEvents(batch, groups);
  for (const { first, indexes } of groups) {
    const shard = shardOf(layout, first.pairId);
    const shardIndex = shards.get(shard) ?? shards.size + 1;
    shards.set(shard, shardIndex);
    pairs.add(pairKey(layout, shard, first.tenant, first.pairId), shardIndex, first, indexes.length);
    for (const index of indexes) {
      const { position } = batch.events[index] as InteractionToApply;
      events.add(index, position === null ? null : segments.at(shard, position));
    }
  }
  events.placeBits();
  return {
    keys: [
      ...[...shards.keys()].flatMap((shard) => [
        shardKey(layout, shard, 'outbox'),
        shardKey(layout, shard, 'due'),
      ]),
      ...segments.all.map(({ key }) => key),
      ...segments.floorKeys,
      ...pairs.keys,
    ],
    args: [
      headerOf(shards.size, segments, groups.length, batch),
      segments.pack(),
      pairs.bytes,
      events.bytes,
      events.details,
      events.text,
      ...batch.policies.flatMap(policyArgs),
    ],
  };
}

function headerOf(
  shards: number,
  segments: Segments,
  pairs: number,
  { rules, states, nowMs }: ApplyBatch,
): Buffer {
  const header = Buffer.allocUnsafe(17);
  [shards, segments.all.length, segments.floorKeys.length, pairs].forEach(
    (count, i) => void header.writeUInt16LE(count, 2 * i),
  );
  header[8] =
    (rules.timedRecovery ? 1 : 0) |
    (rules.streamed ? 2 : 0) |
    (states === false ? 0 : 4) |
    (rules.publishes === false ? 8 : 0);
  header.writeDoubleLE(nowMs, 9);
  return header;
}

/** The pairs of a call: keys, and what the script is told of each. */
class PackedPairs {
  readonly keys: string[] = [];
  private readonly buffer: Buffer;
  private at = 0;

  constructor(groups: readonly PairEvents[]) {
    let most = 0;
    for (const { first } of groups) most += 16 + 3 * (first.agentA.length + first.agentB.length);
    this.buffer = Buffer.allocUnsafe(most);
  }

  get bytes(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  add(key: string, shard: number, names: InteractionToApply, events: number): void {
    const { buffer, at } = this;
    this.keys.push(key);
    buffer.writeUInt16LE(shard, at);
    buffer.writeUInt16LE(events, at + 2);
    this.at = writeNames(buffer, names, at + 8);
    buffer.writeUInt32LE(this.at - at - 8, at + 4);
  }
}

/** The events of a call, in the order in which they are added, and what only few of them are asked for. */
class PackedEvents {
  readonly bytes: Buffer;
  readonly details: Buffer;
  private readonly events: DataView;
  private readonly detail: DataView;
  private readonly segments: (Segment | null)[] = [];
  private readonly sequences: number[] = [];
  private readonly texts: string[] = [];
  private textAt = 1;
  private count = 0;

  constructor(
    private readonly batch: ApplyBatch,
    groups: readonly PairEvents[],
  ) {
    let count = 0;
    for (const { indexes } of groups) count += indexes.length;
    this.bytes = Buffer.allocUnsafe(count * eventBytes);
    this.details = Buffer.allocUnsafe(count * detailBytes);
    this.events = viewOf(this.bytes);
    this.detail = viewOf(this.details);
  }

  get text(): string {
    return this.texts.join('');
  }

  add(index: number, segment: Segment | null): void {
    const event = this.batch.events[index] as InteractionToApply;
    const { duplicateKey, weight, policy } = event;
    const at = this.count * eventBytes;
    let marks = trustOutcomes.indexOf(event.outcome);
    if (duplicateKey !== null) {
      marks |= withId;
      writeIdDigest(duplicateKey, this.events, at + 14);
    }
    if (segment !== null) marks |= withPosition;
    if (weight !== 1 || policy !== 0) marks |= withDetails;
    const probe = this.probeOf(event);
    if (probe !== '') marks |= withDetails | withProbe;
    this.events.setUint8(at, marks);
    this.events.setFloat64(at + 6, event.time, true);
    this.segments.push(segment);
    this.sequences.push(event.position?.sequence ?? 0);
    this.describe(event, index, probe);
    this.count++;
  }

  /** Where the bytes of a segment begin is known when all events have been added. */
  placeBits(): void {
    this.segments.forEach((segment, i) => {
      if (segment === null) return;
      const at = i * eventBytes;
      const bit = (this.sequences[i] as number) - segment.base - 8 * segment.firstByte;
      this.events.setUint8(at + 1, 128 >> (bit & 7));
      this.events.setUint16(at + 2, segment.index, true);
      this.events.setUint16(at + 4, (bit >> 3) + 1, true);
    });
  }

  /** Its digits, where somebody asks for it. */
  private probeOf({ probe, policy }: InteractionToApply): string {
    if (probe === undefined || this.batch.policies[policy]?.config.probes !== 'leased') return '';
    return String(probe).padStart(probeDigits, '0');
  }

  private describe(
    { eventId, traceparent, weight, policy }: InteractionToApply,
    index: number,
    probe: string,
  ): void {
    const at = this.count * detailBytes;
    const trace = traceparent ?? '';
    const idLength = Buffer.byteLength(eventId);
    this.detail.setFloat64(at, weight, true);
    this.detail.setUint16(at + 8, policy + 1, true);
    this.detail.setUint16(at + 10, index, true);
    this.detail.setUint32(at + 12, this.textAt, true);
    this.detail.setUint16(at + 16, idLength, true);
    this.detail.setUint8(at + 18, trace.length);
    this.texts.push(eventId, trace, probe);
    this.textAt += idLength + trace.length + probe.length;
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
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
    config.opening === 'change' ? 1 : 0,
    config.probes === 'leased' ? 1 : 0,
    config.evidence,
    config.badRate,
    config.normalRate,
    config.normalMax,
    config.memory,
  ];
  return [packDoubles(numbers), policyText(policy)];
}

export function packDoubles(numbers: readonly number[]): Buffer {
  const buffer = Buffer.allocUnsafe(8 * numbers.length);
  numbers.forEach((number, i) => void buffer.writeDoubleLE(number, 8 * i));
  return buffer;
}

/** A number and both names of a pair, for `<I2I4c0`. */
export function withNames(number: number, names: Pick<InteractionToApply, 'agentA' | 'agentB'>): Buffer[] {
  const packed = packNames(names);
  const head = Buffer.allocUnsafe(6);
  head.writeUInt16LE(number, 0);
  head.writeUInt32LE(packed.length, 2);
  return [head, packed];
}
