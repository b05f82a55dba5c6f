import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packedVersion, packedVersionOfChange, packPair, unpackPair } from '../../src/store/packed.js';
import { circuitStates } from '../../src/trust/circuit.js';
import type { Pair } from '../../src/trust/record.js';
import type { TrustState } from '../../src/trust/state.js';

const seed = 7;
const pairId = '0123456789abcdef';

/** A name as events take them, and longer, empty or astral ones. */
const name = fc.string({ unit: 'grapheme', maxLength: 300, size: 'max' });
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const positive = fc.double({ min: Number.MIN_VALUE, max: 1e12, noNaN: true });
const optional = fc.option(finite);
const whole = fc.maxSafeNat();

/** Every pair that a store may hold: each part there or not. */
const pairs: fc.Arbitrary<Pair> = fc
  .record({
    agentA: name,
    agentB: name,
    transition: whole,
    transitionAt: optional,
    reset: fc.option(fc.record({ resetTime: finite, resetAt: finite })),
    terminateTime: optional,
    evidence: fc.option(
      fc.record({
        alpha: positive,
        beta: positive,
        lastUpdated: finite,
        interactionCount: whole,
        circuitState: fc.constantFrom(...circuitStates),
        openedAt: optional,
      }),
    ),
    change: fc.option(
      fc.record({
        evidence: positive,
        nonFailures: positive,
        failureRuns: positive,
        furtherFailures: positive,
        failureRun: positive,
      }),
    ),
  })
  .map(({ agentA, agentB, transition, transitionAt, reset, terminateTime, evidence, change }) => {
    const state: TrustState | null = evidence && {
      pairId,
      agentA,
      agentB,
      transition,
      trustScore: evidence.alpha / (evidence.alpha + evidence.beta),
      ...evidence,
      ...(change === null ? {} : { change }),
    };
    const { resetTime, resetAt } = reset ?? { resetTime: null, resetAt: null };
    return { pairId, agentA, agentB, state, transition, transitionAt, resetTime, resetAt, terminateTime };
  });

const unreadable = (why: RegExp) =>
  expect.objectContaining({ code: 'state_unreadable', message: expect.stringMatching(why) });

describe('a packed pair', () => {
  it('unpacks to what was packed, to the last bit', () => {
    fc.assert(
      fc.property(pairs, (pair) => {
        expect(unpackPair(pairId, packPair(pair))).toEqual(pair);
      }),
      { seed, numRuns: 2_000 },
    );
  });

  it('leaves the bytes before it to its caller', () => {
    fc.assert(
      fc.property(pairs, fc.nat(64), (pair, reserve) => {
        const bytes = packPair(pair, reserve);
        bytes.fill(0xff, 0, reserve);
        expect(unpackPair(pairId, bytes, reserve)).toEqual(pair);
        expect(bytes.subarray(reserve)).toEqual(packPair(pair));
      }),
      { seed },
    );
  });

  it('unpacks to a frozen state', () => {
    fc.assert(
      fc.property(pairs, (pair) => {
        expect(Object.isFrozen(unpackPair(pairId, packPair(pair)).state)).toBe(true);
      }),
      { seed },
    );
  });

  it('is of the first version unless something is known of a change', () => {
    fc.assert(
      fc.property(pairs, (pair) => {
        const changes = pair.state?.change !== undefined;
        expect(packPair(pair)[0]).toBe(changes ? packedVersionOfChange : packedVersion);
      }),
      { seed },
    );
  });

  it('takes 52 bytes and its names, when it has nothing but evidence', () => {
    const [pair] = fc.sample(pairs, { seed, numRuns: 1 });
    const state = { alpha: 2, beta: 1, lastUpdated: 0, interactionCount: 1, circuitState: 'CLOSED' as const };
    const plain = {
      ...(pair as Pair),
      agentA: 'ä',
      agentB: '',
      transitionAt: null,
      resetTime: null,
      resetAt: null,
      terminateTime: null,
      state: { ...state, pairId, agentA: 'ä', agentB: '', trustScore: 2 / 3, openedAt: null, transition: 0 },
    };
    expect(packPair(plain)).toHaveLength(50 + 2);
  });
});

describe('bytes that are no whole pair of this version are state_unreadable:', () => {
  it('another version', () => {
    fc.assert(
      fc.property(pairs, fc.nat(255), (pair, version) => {
        fc.pre(version !== packedVersion && version !== packedVersionOfChange);
        const bytes = packPair(pair);
        bytes[0] = version;
        expect(() => unpackPair(pairId, bytes)).toThrow(unreadable(new RegExp(`${pairId}.* ${version},`)));
      }),
      { seed },
    );
  });

  it('all but the end of them', () => {
    fc.assert(
      fc.property(pairs, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (pair, part) => {
        const bytes = packPair(pair);
        const cut = Buffer.from(bytes.subarray(0, Math.floor(part * bytes.length)));
        expect(() => unpackPair(pairId, cut)).toThrow(unreadable(/./));
      }),
      { seed, numRuns: 1_000 },
    );
  });

  it('more than them', () => {
    fc.assert(
      fc.property(pairs, fc.uint8Array({ minLength: 1, maxLength: 40 }), (pair, rest) => {
        const bytes = Buffer.concat([packPair(pair), rest]);
        expect(() => unpackPair(pairId, bytes)).toThrow(unreadable(/left over/));
      }),
      { seed },
    );
  });

  it('none', () => {
    expect(() => unpackPair(pairId, Buffer.alloc(0))).toThrow(unreadable(/not whole/));
  });

  it('any, without a crash', () => {
    const version = fc.constantFrom(packedVersion, packedVersionOfChange);
    fc.assert(
      fc.property(version, fc.uint8Array({ maxLength: 200 }), (version, bytes) => {
        const told = Buffer.from([version, ...bytes]);
        try {
          unpackPair(pairId, told);
        } catch (error) {
          expect(error).toEqual(unreadable(/./));
        }
      }),
      { seed, numRuns: 2_000 },
    );
  });
});
