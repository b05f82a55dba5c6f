import { FulcrumError } from '../errors.js';
import { score } from '../trust/beta.js';
import { circuitStates } from '../trust/circuit.js';
import type { Pair } from '../trust/record.js';

/**
 * A pair as bytes, little-endian; a number that is absent is NaN. The Redis scripts read and write the same.
 *
 *     u8   version, 1; 2: what is known of a change is there
 *     u8   1: there is evidence; 2, 4: the circuit; 8: the times below are there
 *     f64  alpha, beta, lastUpdated, interactionCount, transition
 *     ...  bytes that are the store's own: none, but for Redis
 *     f64  evidence, nonFailures, failureRuns, furtherFailures, failureRun          if version 2
 *     f64  transitionAt, openedAt, resetTime, resetAt, terminateTime, queuedAt     if times
 *     u32  bytes of agentA, UTF-8, then they ; u32 bytes of agentB, UTF-8, then they
 *
 * Version 2 is of pairs under `opening: change` alone: what is under `mean` can be read by every version.
 * queuedAt is the store's own, in Redis alone: the time under which the pair stands among what is due.
 */
export const packedVersion = 1;
export const packedVersionOfChange = 2;

const hasState = 1;
const circuitShift = 1;
const circuitMask = 0b11;
const hasTimes = 8;
const headBytes = 42;
const changeBytes = 40;
const timesBytes = 48;

/** Packs `pair` after `reserve` bytes that are left for the caller, with `own` zeros for what is the store's own. */
export function packPair(pair: Pair, reserve = 0, own = 0): Buffer {
  const { state } = pair;
  const lengthA = Buffer.byteLength(pair.agentA, 'utf8');
  const lengthB = Buffer.byteLength(pair.agentB, 'utf8');
  const most = headBytes + own + changeBytes + timesBytes + 8 + lengthA + lengthB;
  const buffer = Buffer.allocUnsafe(reserve + most);
  const times = [pair.transitionAt, state?.openedAt, pair.resetTime, pair.resetAt, pair.terminateTime, null];
  let flags = state === null ? 0 : hasState | (circuitStates.indexOf(state.circuitState) << circuitShift);
  let at = reserve + 2;
  const number = (value: number): void => {
    at = buffer.writeDoubleLE(value, at);
  };
  number(state?.alpha ?? 0);
  number(state?.beta ?? 0);
  number(state?.lastUpdated ?? 0);
  number(state?.interactionCount ?? 0);
  number(pair.transition);
  buffer.fill(0, at, at + own);
  at += own;
  const change = state?.change;
  if (change !== undefined) {
    number(change.evidence);
    number(change.nonFailures);
    number(change.failureRuns);
    number(change.furtherFailures);
    number(change.failureRun);
  }
  if (times.some((time) => typeof time === 'number')) {
    flags |= hasTimes;
    for (const time of times) number(time ?? Number.NaN);
  }
  at = writeNames(buffer, pair, at);
  buffer[reserve] = change === undefined ? packedVersion : packedVersionOfChange;
  buffer[reserve + 1] = flags;
  return buffer.subarray(0, at);
}

/** Both names as they stand in a packed pair. */
export function packNames(names: Pick<Pair, 'agentA' | 'agentB'>): Buffer {
  const length = Buffer.byteLength(names.agentA, 'utf8') + Buffer.byteLength(names.agentB, 'utf8');
  const buffer = Buffer.allocUnsafe(8 + length);
  writeNames(buffer, names, 0);
  return buffer;
}

/** Writes both names at an offset and returns where they end. */
export function writeNames(
  buffer: Buffer,
  { agentA, agentB }: Pick<Pair, 'agentA' | 'agentB'>,
  offset: number,
): number {
  let at = offset;
  for (const name of [agentA, agentB]) {
    const bytes = buffer.write(name, at + 4, 'utf8');
    buffer.writeUInt32LE(bytes, at);
    at += 4 + bytes;
  }
  return at;
}

/**
 * @param own how many bytes are the store's own
 * @throws FulcrumError `state_unreadable` when the bytes are of a newer version or are not whole.
 */
export function unpackPair(pairId: string, buffer: Buffer, offset = 0, own = 0): Pair {
  try {
    return unpack(pairId, buffer, offset, own);
  } catch (cause) {
    if (cause instanceof FulcrumError) throw cause;
    throw unreadable(pairId, `its ${buffer.length - offset} bytes are not whole`, cause);
  }
}

function unpack(pairId: string, buffer: Buffer, offset: number, own: number): Pair {
  const version = buffer.readUInt8(offset);
  if (version !== packedVersion && version !== packedVersionOfChange)
    throw unreadable(
      pairId,
      `it has format version ${version}, this one reads ${packedVersion} and ${packedVersionOfChange}`,
    );
  const flags = buffer.readUInt8(offset + 1);
  let at = offset + 2;
  const number = (): number => {
    const value = buffer.readDoubleLE(at);
    at += 8;
    return value;
  };
  const evidence = { alpha: number(), beta: number(), lastUpdated: number(), interactionCount: number() };
  const transition = number();
  at += own;
  const change =
    version === packedVersionOfChange
      ? Object.freeze({
          evidence: number(),
          nonFailures: number(),
          failureRuns: number(),
          furtherFailures: number(),
          failureRun: number(),
        })
      : null;
  const when = (): number | null => {
    if ((flags & hasTimes) === 0) return null;
    const time = number();
    return Number.isNaN(time) ? null : time;
  };
  const [transitionAt, openedAt, resetTime, resetAt, terminateTime] = [
    when(),
    when(),
    when(),
    when(),
    when(),
  ];
  when();
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
  const rest = buffer.length - at;
  if (rest !== 0) throw unreadable(pairId, `${rest} bytes are left over`);
  const circuitState = circuitStates[(flags >> circuitShift) & circuitMask] ?? 'CLOSED';
  const state =
    (flags & hasState) === 0
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
          ...(change === null ? {} : { change }),
        });
  return { pairId, agentA, agentB, state, transition, transitionAt, resetTime, resetAt, terminateTime };
}

function unreadable(pairId: string, why: string, cause?: unknown): FulcrumError {
  return new FulcrumError('state_unreadable', `the stored state of pair ${pairId} cannot be read: ${why}`, {
    cause,
  });
}
