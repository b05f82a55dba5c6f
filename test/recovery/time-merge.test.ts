import { expect, it } from 'vitest';
import type { SourceMessage } from '../../src/ports.js';
import { TimeMerge } from '../../src/recovery/time-merge.js';

const at = (source: string, sequence: number, receivedAt: number, bytes = 1): SourceMessage => ({
  body: new Uint8Array(bytes),
  headers: {},
  tenant: null,
  position: { source, sequence },
  receivedAt,
});

const placesOf = (messages: readonly SourceMessage[]) =>
  messages.map(({ position }) => `${position.source}${position.sequence}`);

it('takes of several logs what the broker had first, and of each in its order', () => {
  const merge = new TimeMerge(() => 2);
  merge.push([
    at('a', 1, 10),
    at('a', 2, 30),
    at('a', 3, 20),
    at('b', 1, 15),
    at('b', 2, 25),
    at('b', 3, 90),
  ]);
  expect(placesOf(merge.take(10, true))).toEqual(['a1', 'b1', 'b2', 'a2', 'a3', 'b3']);
  expect(merge.isEmpty).toBe(true);
});

it('waits while a log has nothing to show, unless nothing more is on its way', () => {
  const merge = new TimeMerge(() => 2);
  merge.push([at('a', 1, 10), at('a', 2, 30)]);
  expect(merge.take(10, false)).toEqual([]);
  merge.push([at('b', 1, 20)]);
  expect(placesOf(merge.take(10, false))).toEqual(['a1', 'b1']);
  expect(placesOf(merge.take(10, true))).toEqual(['a2']);
});

it('takes no more than it is asked for', () => {
  const merge = new TimeMerge(() => 1);
  merge.push([at('a', 1, 10), at('a', 2, 20), at('a', 3, 30)]);
  expect(placesOf(merge.take(2, false))).toEqual(['a1', 'a2']);
  expect(placesOf(merge.take(2, false))).toEqual(['a3']);
});

it('holds no more than so many messages or bytes for logs that are slow', () => {
  const merge = new TimeMerge(() => 2);
  merge.push(Array.from({ length: 20_001 }, (_, i) => at('a', i + 1, i)));
  expect(merge.take(10, false)).toHaveLength(2);
  const large = new TimeMerge(() => 2);
  large.push([at('a', 1, 1, 16 * 1024 * 1024), at('a', 2, 2)]);
  expect(placesOf(large.take(10, false))).toEqual(['a1']);
});

it('keeps the order of a long log', () => {
  const merge = new TimeMerge(() => 1);
  const taken: SourceMessage[] = [];
  for (let i = 0; i < 10_000; i++) {
    merge.push([at('a', 2 * i + 1, i), at('a', 2 * i + 2, i)]);
    taken.push(...merge.take(1, false));
  }
  taken.push(...merge.take(20_000, true));
  expect(taken.map(({ position }) => position.sequence)).toEqual(
    Array.from({ length: 20_000 }, (_, i) => i + 1),
  );
});
