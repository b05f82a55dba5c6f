import type { Pair } from '../../trust/record.js';
import { packPair, unpackPair } from '../packed.js';

/** A pair as it lies in its table: three numbers that only the embedded store needs, then the packed pair. */
export interface StoredPair {
  readonly pair: Pair;
  /** Seconds since the epoch; null: nothing is due. */
  readonly dueAt: number | null;
  /** The pair's entry in the due table, null if it has none. */
  readonly queuedAt: number | null;
  /** Seconds since the epoch, Infinity: never. */
  readonly expiresAt: number;
}

const envelopeBytes = 24;

export function packStored(stored: StoredPair): Buffer {
  const buffer = packPair(stored.pair, envelopeBytes);
  buffer.writeDoubleLE(stored.dueAt ?? Number.NaN, 0);
  buffer.writeDoubleLE(stored.queuedAt ?? Number.NaN, 8);
  buffer.writeDoubleLE(stored.expiresAt, 16);
  return buffer;
}

/** @throws FulcrumError `state_unreadable` */
export function unpackStored(pairId: string, buffer: Buffer | undefined): StoredPair | null {
  if (buffer === undefined) return null;
  const pair = unpackPair(pairId, buffer, envelopeBytes);
  const dueAt = buffer.readDoubleLE(0);
  const queuedAt = buffer.readDoubleLE(8);
  return {
    pair,
    dueAt: Number.isNaN(dueAt) ? null : dueAt,
    queuedAt: Number.isNaN(queuedAt) ? null : queuedAt,
    expiresAt: buffer.readDoubleLE(16),
  };
}

export function isExpired(stored: StoredPair, now: number): boolean {
  return stored.expiresAt <= now;
}
