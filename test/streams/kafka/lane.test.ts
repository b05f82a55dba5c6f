import type { KafkaMessage } from 'kafkajs';
import { expect, test } from 'vitest';
import { Backlog } from '../../../src/streams/kafka/backlog.js';
import { Lane, type Slice } from '../../../src/streams/kafka/lane.js';

const messageAt = (offset: number): KafkaMessage => ({
  key: null,
  value: Buffer.from(String(offset)),
  timestamp: '0',
  attributes: 0,
  offset: String(offset),
  headers: {},
});

/** A lane into which offsets from one up to another were fetched. */
function fetched(backlog: Backlog, lane: Lane, from: number, to: number): void {
  const messages = Array.from({ length: to - from }, (_, i) => messageAt(from + i));
  lane.position = to;
  backlog.push(lane, messages, to, 100 * messages.length);
}

const offsetsOf = (slices: readonly Slice[]): number[] =>
  slices.flatMap(({ messages }) => messages.map(({ offset }) => Number(offset)));

test('messages are handed out in the order in which they came, whole partitions or not', () => {
  const backlog = new Backlog();
  const [one, two] = [new Lane(0), new Lane(1)];
  fetched(backlog, one, 5, 8);
  fetched(backlog, two, 20, 22);
  expect(offsetsOf(backlog.take(2))).toEqual([5, 6]);
  expect(backlog.firstOf(one)?.offset).toBe('7');
  expect(backlog.firstOf(two)?.offset).toBe('20');
  expect(offsetsOf(backlog.take(10))).toEqual([7, 20, 21]);
  expect(backlog.isEmpty).toBe(true);
  expect(backlog.bytes).toBe(0);
  expect(backlog.take(10)).toEqual([]);
});

test('only what is acknowledged without a gap may be committed', () => {
  const backlog = new Backlog();
  const lane = new Lane(0);
  fetched(backlog, lane, 0, 6);
  const [first, second, third] = [backlog.take(2), backlog.take(2), backlog.take(2)];
  expect(lane.acknowledged).toBeNull();
  for (const slice of second) lane.acknowledge(slice);
  expect(lane.acknowledged).toBeNull();
  expect(lane.firstOpen?.offset).toBe('0');
  for (const slice of first) lane.acknowledge(slice);
  expect(lane.acknowledged).toBe(4);
  expect(lane.firstOpen?.offset).toBe('4');
  for (const slice of third) lane.acknowledge(slice);
  expect(lane.acknowledged).toBe(6);
  expect(lane.unfinished).toBe(false);
});

test('offsets that hold no message are acknowledged with what lies around them', () => {
  const backlog = new Backlog();
  const lane = new Lane(0);
  backlog.push(lane, [messageAt(1), messageAt(5)], 9, 2);
  lane.position = 9;
  for (const slice of backlog.take(1)) lane.acknowledge(slice);
  expect(lane.acknowledged).toBe(5);
  for (const slice of backlog.take(1)) lane.acknowledge(slice);
  expect(lane.acknowledged).toBe(9);
  lane.position = 12;
  expect(lane.acknowledged).toBe(12);
});

test('a fetch that was under way while its partition was joined again is not taken', () => {
  const backlog = new Backlog();
  const lane = new Lane(0);
  fetched(backlog, lane, 0, 10);
  // What waits is dropped, and reading begins at what is committed, 0: a fetch from 10 would leave it out.
  const again = new Lane(0, lane);
  expect(again.isStale(10)).toBe(true);
  expect(again.isStale(0)).toBe(false);
  expect(new Lane(0, new Lane(0, lane)).isStale(10)).toBe(true);
});

test('a fetch that goes on after what was finished is taken', () => {
  const backlog = new Backlog();
  const lane = new Lane(0);
  fetched(backlog, lane, 0, 10);
  for (const slice of backlog.take(10)) lane.acknowledge(slice);
  expect(new Lane(0, lane).isStale(10)).toBe(false);
});
