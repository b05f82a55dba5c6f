import fc from 'fast-check';
import { Redis } from 'ioredis';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { packedVersion, packedVersionOfChange, packPair } from '../../src/store/packed.js';
import { ownBytes } from '../../src/store/redis/answers.js';
import { RedisStore } from '../../src/store/redis/store.js';
import { trustOutcomes } from '../../src/trust/outcome.js';
import { type Pair, unknownPair } from '../../src/trust/record.js';
import { applyInteraction } from '../../src/trust/step.js';
import {
  apply,
  failure,
  interaction,
  policy,
  readPair,
  start,
  success,
  withCooldown,
} from '../contract/store/given.js';
import { describeWithServer } from '../servers/describe.js';
import { startRedis } from '../servers/redis.js';

const knobs = { opening: 'change', recoveryCooldownSeconds: 60 } as const;
const onChange = policy(knobs);

describeWithServer('redis', 'RedisStore under opening: change', () => {
  let url = '';
  let redis: Redis;
  let namespaces = 0;
  beforeAll(async () => {
    ({ url } = await startRedis());
    redis = new Redis(url);
    return () => redis.disconnect();
  });

  async function open(): Promise<{ store: RedisStore; prefix: string }> {
    const prefix = `change${++namespaces}`;
    const store = await RedisStore.open({ url, prefix, shards: 1 });
    onTestFinished(() => store.close());
    return { store, prefix };
  }

  async function bytesOf(prefix: string): Promise<{ key: string; bytes: Buffer; ttl: number }> {
    const [key = ''] = await redis.keys(`${prefix}:*:pair:*`);
    return { key, bytes: (await redis.getBuffer(key)) ?? Buffer.alloc(0), ttl: await redis.ttl(key) };
  }

  it('comes to the very bits of the pure functions, at weight 1 and in order', async () => {
    const outcome = fc.constantFrom(
      ...trustOutcomes.filter((kind) => kind !== 'partial'),
      'failure' as const,
    );
    const runs = fc.array(fc.tuple(outcome, fc.oneof(fc.nat(3), fc.nat(40)), fc.nat(40)), {
      minLength: 1,
      maxLength: 25,
    });
    const rule = fc.record({
      evidence: fc.double({ min: 5, max: 1e5, noNaN: true }),
      normalRate: fc.double({ min: 0.01, max: 0.3, noNaN: true }),
      normalMax: fc.double({ min: 0.31, max: 0.6, noNaN: true }),
      badRate: fc.double({ min: 0.61, max: 0.95, noNaN: true }),
      memory: fc.integer({ min: 5, max: 300 }),
      // Nothing decays, so that the whole state is of additions and products alone.
      halfLifeSeconds: fc.constant(Number.POSITIVE_INFINITY),
    });
    const rules = { timedRecovery: true, nowMs: start * 1_000 };
    await fc.assert(
      fc.asyncProperty(rule, runs, async (rates, runs) => {
        const { store } = await open();
        const judged = policy({ ...knobs, ...rates });
        let time = start;
        const events = runs.flatMap(([kind, length, gap]) =>
          Array.from({ length }, () => {
            time += gap;
            return interaction(kind, time);
          }),
        );
        let pair: Pair = unknownPair({ ...success(start) });
        const expected = events.map((event) => {
          ({ pair } = applyInteraction(pair, event, event.eventId, judged, rules));
          return pair.state;
        });
        const results = await apply(store, events, { policies: [judged] });
        expect(results.map((result) => result.kind === 'applied' && result.state)).toStrictEqual(expected);
      }),
      { seed: 1_945, numRuns: 60 },
    );
  });

  it('stores what TypeScript would store, and what is under the mean as every version reads it', async () => {
    const { store, prefix } = await open();
    await apply(store, [failure(start)], { policies: [onChange] });
    const { bytes } = await bytesOf(prefix);
    const own = bytes.subarray(42, 42 + ownBytes);
    const packed = packPair((await readPair(store)) as Pair, 0, ownBytes);
    own.copy(packed, 42);
    expect(bytes).toEqual(packed);
    expect(bytes[0]).toBe(packedVersionOfChange);
    await apply(store, [success(start + 1)], { policies: [withCooldown] });
    const after = await bytesOf(prefix);
    expect(after.bytes[0]).toBe(packedVersion);
    expect(after.bytes.length).toBe(bytes.length - 40);
    // Rewritten in another form, it expires as before.
    expect(after.ttl).toBeGreaterThan(0);
  });

  it('refuses a pair of a newer version, and leaves it as it is', async () => {
    const { store, prefix } = await open();
    await apply(store, [failure(start)], { policies: [onChange] });
    const { key, bytes } = await bytesOf(prefix);
    bytes[0] = 3;
    await redis.set(key, bytes);
    expect(await apply(store, [success(start + 1)], { policies: [onChange] })).toMatchObject([
      { kind: 'rejected', reason: 'state_unreadable' },
    ]);
    await expect(readPair(store)).rejects.toMatchObject({ code: 'state_unreadable' });
    expect(await redis.getBuffer(key)).toEqual(bytes);
  });
});
