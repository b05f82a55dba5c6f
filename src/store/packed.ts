import { FulcrumError } from '../errors.js';
import { score } from '../trust/beta.js';
import { circuitStates } from '../trust/circuit.js';
import type { Pair } from '../trust/record.js';

/**
 * A pair as bytes, little-endian:
 *
 *     u8   version, 1
 *     u8   what is present, see the flags below, and the circuit in bits 1 and 2
 *     f64  transition
 *     f64  transitionAt                                        if hasTransitionAt
 *     f64  resetTime, resetAt                                  if hasReset
 *     f64  terminateTime                                       if hasTerminate
 *     f64  alpha, beta, lastUpdated, interactionCount          if hasState
 *     f64  openedAt                                            if hasOpenedAt
 *     u32  bytes of agentA, UTF-8 ; u32 bytes of agentB, UTF-8
 */
export const packedVersion = 1;

const hasState = 1;
const circuitShift = 1;
const circuitMask = 0b11;
const hasOpenedAt = 8;
const hasTransitionAt = 16;
const hasReset = 32;
const hasTerminate = 64;

/** Packs `pair` after `reserve` bytes that are left for the caller. */
export function packPair(pair: Pair, reserve = 0): Buffer {
  const { state } = pair;
  const lengthA = Buffer.byteLength(pair.agentA, 'utf8');
  const lengthB = Buffer.byteLength(pair.agentB, 'utf8');
  const buffer = Buffer.allocUnsafe(reserve + 2 + 10 * 8 + 8 + lengthA + lengthB);
  let flags = 0;
  let at = reserve + 2;
  const number = (value: number): void => {
    at = buffer.writeDoubleLE(value, at);
  };
  number(pair.transition);
  if (pair.transitionAt !== null) {
    flags |= hasTransitionAt;
    number(pair.transitionAt);
  }
  if (pair.resetTime !== null && pair.resetAt !== null) {
    flags |= hasReset;
    number(pair.resetTime);
    number(pair.resetAt);
  }
  if (pair.terminateTime !== null) {
    flags |= hasTerminate;
    number(pair.terminateTime);
  }
  if (state !== null) {
    flags |= hasState | (circuitStates.indexOf(state.circuitState) << circuitShift);
    number(state.alpha);
    number(state.beta);
    number(state.lastUpdated);
    number(state.interactionCount);
    if (state.openedAt !== null) {
      flags |= hasOpenedAt;
      number(state.openedAt);
    }
  }
  at = buffer.writeUInt32LE(lengthA, at);
  at += buffer.write(pair.agentA, at, 'utf8');
  at = buffer.writeUInt32LE(lengthB, at);
  at += buffer.write(pair.agentB, at, 'utf8');
  buffer[reserve] = packedVersion;
  buffer[reserve + 1] = flags;
  return buffer.subarray(0, at);
}

/** @throws FulcrumError `state_unreadable` when the bytes are of a newer version or are not whole. */
export function unpackPair(pairId: string, buffer: Buffer, offset = 0): Pair {
  try {
    return unpack(pairId, buffer, offset);
  } catch (cause) {
    if (cause instanceof FulcrumError) throw cause;
    throw unreadable(pairId, `its ${buffer.length - offset} bytes are not whole`, cause);
  }
}

function unpack(pairId: string, buffer: Buffer, offset: number): Pair {
  const version = buffer.readUInt8(offset);
  if (version !== packedVersion)
    throw unreadable(pairId, `it has format version ${version}, this one reads ${packedVersion}`);
  const flags = buffer.readUInt8(offset + 1);
  let at = offset + 2;
  const number = (): number => {
    const value = buffer.readDoubleLE(at);
    at += 8;
    return value;
  };
  const when = (flag: number): number | null => ((flags & flag) === 0 ? null : number());
  const transition = number();
  const transitionAt = when(hasTransitionAt);
  const resetTime = when(hasReset);
  const resetAt = when(hasReset);
  const terminateTime = when(hasTerminate);
  const evidence =
    (flags & hasState) === 0
      ? null
      : { alpha: number(), beta: number(), lastUpdated: number(), interactionCount: number() };
  const openedAt = when(hasOpenedAt);
  const text = (): string => {
    const length = buffer.readUInt32LE(at);
    at += 4;
    if (at + length > buffer.length) throw unreadable(pairId, 'a name runs over its end');
    const value = buffer.toString('utf8', at, at + length);
    at += length;
    return value;
  };
  const agentA = text();
  const agentB = text();
  if (at !== buffer.length) throw unreadable(pairId, `${buffer.length - at} bytes are left over`);
  const circuitState = circuitStates[(flags >> circuitShift) & circuitMask] ?? 'CLOSED';
  const state =
    evidence === null
      ? null
      : Object.freeze({
          pairId,
          agentA,
          agentB,
          alpha: evidence.alpha,
          beta: evidence.beta,
          trustScore: score(evidence),
          lastUpdated: evidence.lastUpdated,
          interactionCount: evidence.interactionCount,
          circuitState,
          openedAt,
          transition,
        });
  return { pairId, agentA, agentB, state, transition, transitionAt, resetTime, resetAt, terminateTime };
}

function unreadable(pairId: string, why: string, cause?: unknown): FulcrumError {
  return new FulcrumError('state_unreadable', `the stored state of pair ${pairId} cannot be read: ${why}`, {
    cause,
  });
}
