import { expect, it } from 'vitest';
import { sendInteractions } from '../../src/client/send.js';
import type { EventSource, SinkMessage, SourceBatch } from '../../src/ports.js';
import { MemoryTopic } from '../../src/streams/memory.js';
import { least } from '../helpers/delivered.js';

const clock = (): number => 1_700_000_000;
const total = 2_000;

/** A source of so many interactions in batches of 500, and what was read and acknowledged of it so far. */
async function sourceOf(bodies: readonly object[]) {
  const topic = new MemoryTopic({ name: 'given', clock });
  await topic.send(bodies.map((body) => ({ body: Buffer.from(JSON.stringify(body)), headers: {} })));
  topic.close();
  const counts = { read: 0, acknowledged: 0 };
  const source: EventSource = {
    name: 'given',
    system: 'memory',
    headerPrefix: 'ce-',
    read: async (max, waitMs): Promise<SourceBatch | null> => {
      const batch = await topic.read(max, waitMs);
      counts.read += batch?.messages.length ?? 0;
      const ack = (): void => {
        counts.acknowledged += batch?.messages.length ?? 0;
      };
      return batch && { ...batch, ack };
    },
    close: () => {},
  };
  return { source, counts };
}

const interactions = (count: number) => Array.from({ length: count }, (_, i) => ({ ...least, id: `e${i}` }));
const options = { clock, onRejected: () => {} };

it('reads a batch while the one before it is on its way, and none further', async () => {
  const { source, counts } = await sourceOf(interactions(total));
  const sent: string[] = [];
  const seen: unknown[] = [];
  const publish = async (messages: readonly SinkMessage[]): Promise<void> => {
    sent.push(...messages.map(({ id }) => id));
    // As long as it takes to read all, were nobody to wait.
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    seen.push([sent.length, counts.read, counts.acknowledged]);
  };
  expect(await sendInteractions({ publish }, source, options)).toEqual({ accepted: total, rejected: 0 });
  expect(seen).toEqual([
    [500, 1_000, 0],
    [1_000, 1_500, 500],
    [1_500, 2_000, 1_000],
    [2_000, 2_000, 1_500],
  ]);
  expect(sent).toEqual(Array.from({ length: total }, (_, i) => `default//e${i}`));
  expect(counts.acknowledged).toBe(total);
});

it('counts what it does not send, and says which it was', async () => {
  const { source, counts } = await sourceOf([least, { agent_a: 'ann' }, least]);
  const refused: unknown[] = [];
  const onRejected = (record: number, { field }: { field: string }): void =>
    void refused.push([record, field]);
  const sink = { publish: () => {} };
  expect(await sendInteractions(sink, source, { clock, onRejected })).toEqual({ accepted: 2, rejected: 1 });
  expect(refused).toEqual([[2, 'agent_b']]);
  expect(counts.acknowledged).toBe(3);
});

it('ends with the error of a batch that could not be sent, and acknowledges nothing of it', async () => {
  const { source, counts } = await sourceOf(interactions(total));
  let published = 0;
  const publish = async (): Promise<void> => {
    if (++published === 2) throw new Error('away');
  };
  await expect(sendInteractions({ publish }, source, options)).rejects.toThrow('away');
  expect(published).toBe(2);
  expect(counts).toEqual({ read: 1_500, acknowledged: 500 });
});
