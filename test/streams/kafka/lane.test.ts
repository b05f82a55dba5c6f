import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SourceMessage } from '../../../src/ports.js';
import { Backlog } from '../../../src/streams/kafka/backlog.js';
import { Lane, messagesOf, type Slice } from '../../../src/streams/kafka/lane.js';
import { offsetOf } from '../../../src/streams/kafka/messages.js';

const messageAt = (offset: number): SourceMessage => ({
  body: Buffer.from(String(offset)),
  headers: {},
  tenant: null,
  position: { source: 'topic/0@0', sequence: offset + 1 },
  receivedAt: 0,
});

/** A lane into which offsets from one up to another were fetched. */
function fetched(backlog: Backlog, lane: Lane, from: number, to: number): void {
  const messages = Array.from({ length: to - from }, (_, i) => messageAt(from + i));
  lane.advance(from, to);
  backlog.push(lane, { messages, bytes: 100 * messages.length }, to);
}

const offsetsOf = (slices: readonly Slice[]): number[] => messagesOf(slices).map(offsetOf);
const nextOf = (message: SourceMessage | undefined): number | null =>
  message === undefined ? null : offsetOf(message);

test('messages are handed out in the order in which they came, whole partitions or not', () => {
  const backlog = new Backlog();
  const [one, two] = [new Lane(0), new Lane(1)];
  fetched(backlog, one, 5, 8);
  fetched(backlog, two, 20, 22);
  expect(offsetsOf(backlog.take(2))).toEqual([5, 6]);
  expect(nextOf(backlog.firstOf(one))).toBe(7);
  expect(nextOf(backlog.firstOf(two))).toBe(20);
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
  expect(nextOf(lane.firstOpen)).toBe(0);
  for (const slice of first) lane.acknowledge(slice);
  expect(lane.acknowledged).toBe(4);
  expect(nextOf(lane.firstOpen)).toBe(4);
  for (const slice of third) lane.acknowledge(slice);
  expect(lane.acknowledged).toBe(6);
  expect(lane.unfinished).toBe(false);
});

test('offsets that hold no message are acknowledged with what lies around them', () => {
  const backlog = new Backlog();
  const lane = new Lane(0);
  backlog.push(lane, { messages: [messageAt(1), messageAt(5)], bytes: 2 }, 9);
  lane.advance(0, 9);
  for (const slice of backlog.take(1)) lane.acknowledge(slice);
  expect(lane.acknowledged).toBe(5);
  for (const slice of backlog.take(1)) lane.acknowledge(slice);
  expect(lane.acknowledged).toBe(9);
  lane.advance(9, 12);
  expect(lane.acknowledged).toBe(12);
});

test('of what is acknowledged in part, all before the first that is left may be committed', () => {
  const backlog = new Backlog();
  const lane = new Lane(0);
  fetched(backlog, lane, 3, 9);
  const [first, second] = [...backlog.take(3), ...backlog.take(3)] as [Slice, Slice];
  const acknowledge = (slice: Slice, ...offsets: readonly number[]) =>
    lane.acknowledge(
      slice,
      slice.messages.filter((message) => offsets.includes(offsetOf(message))),
    );
  acknowledge(second, 6, 8);
  expect(lane.acknowledged).toBeNull();
  acknowledge(first, 3, 5);
  expect(lane.acknowledged).toBe(4);
  expect(nextOf(lane.firstOpen)).toBe(4);
  acknowledge(first, 4);
  // What was acknowledged before its turn counts now, too.
  expect(lane.acknowledged).toBe(7);
  expect(nextOf(lane.firstOpen)).toBe(7);
  lane.acknowledge(second);
  expect(lane.acknowledged).toBe(9);
  expect(lane.unfinished).toBe(false);
});

test('no order of acknowledgements lets a message that is open be committed', () => {
  const acknowledgement = fc.record({
    slice: fc.nat(3),
    done: fc.option(fc.uniqueArray(fc.nat(19)), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(acknowledgement, { maxLength: 30 }), (acknowledgements) => {
      const backlog = new Backlog();
      const lane = new Lane(0);
      fetched(backlog, lane, 0, 20);
      const slices = [5, 5, 5, 5].flatMap((size) => backlog.take(size));
      const open = new Set(messagesOf(slices));
      for (const { slice: index, done } of acknowledgements) {
        const slice = slices[index] as Slice;
        const named = done && slice.messages.filter((message) => done.includes(offsetOf(message)));
        lane.acknowledge(slice, named);
        for (const message of named ?? slice.messages) open.delete(message);
        const [first] = open;
        expect(lane.firstOpen).toBe(first);
        expect(lane.acknowledged ?? 0).toBe(first === undefined ? 20 : offsetOf(first));
      }
    }),
  );
});

test('a fetch that was under way while its partition was joined again is not taken', () => {
  const backlog = new Backlog();
  const lane = new Lane(0);
  fetched(backlog, lane, 0, 10);
  for (const slice of backlog.take(4)) lane.acknowledge(slice);
  // What waits is dropped, and reading begins at what is committed, 4: a fetch from 10 would leave the rest out.
  const again = new Lane(0, lane);
  expect(again.passedOver(10)).toBe(4);
  expect(again.passedOver(4)).toBeNull();
  expect(new Lane(0, new Lane(0, lane)).passedOver(12)).toBe(4);
});

test('a fetch that goes on after what was finished is taken', () => {
  const backlog = new Backlog();
  const lane = new Lane(0);
  fetched(backlog, lane, 0, 10);
  for (const slice of backlog.take(10)) lane.acknowledge(slice);
  expect(new Lane(0, lane).passedOver(10)).toBeNull();
});
