import { expect, it } from 'vitest';
import type { SourceMessage } from '../../src/ports.js';
import { overheard } from '../../src/runtime/overheard.js';
import { MemoryTopic } from '../../src/streams/memory.js';

const clock = () => 1_700_000_000;
const said = (content: string) => ({
  body: Buffer.from(JSON.stringify({ agent_a: 'ann', agent_b: 'bob', outcome: 'success', content })),
  headers: {},
});
const silent = { body: Buffer.from('{"agent_a":"ann","agent_b":"bob","outcome":"success"}'), headers: {} };

const sequences = (messages: readonly SourceMessage[] = []) =>
  messages.map(({ position }) => position.sequence);

it('passes on what carries content, at its own position, and never what its sender waits for', async () => {
  const source = new MemoryTopic({ name: 'interactions', clock });
  const other = new MemoryTopic({ name: 'interactions', clock });
  const heard = overheard(source, other, () => expect.unreachable());
  await source.send([silent, { ...said('one'), settle: () => {} }, silent, said('two')]);
  const read = await heard.read(10, 0);
  expect(sequences(read?.messages)).toEqual([1, 2, 3, 4]);
  const passed = await other.read(10, 0);
  expect(sequences(passed?.messages)).toEqual([2, 4]);
  expect(passed?.messages.some(({ settle }) => settle !== undefined)).toBe(false);
  expect(read?.messages[1]?.settle).toBeDefined();
});

it('reads on when the other is too far behind, and tells once until it has caught up', async () => {
  const source = new MemoryTopic({ name: 'interactions', clock });
  const other = new MemoryTopic({ name: 'interactions', maxQueuedBytes: 1, clock });
  let told = 0;
  const heard = overheard(source, other, () => told++);
  const readOne = async () => {
    await source.send([said('one')]);
    expect((await heard.read(10, 0))?.messages).toHaveLength(1);
  };
  await readOne();
  expect(told).toBe(0);
  await readOne();
  await readOne();
  expect(told).toBe(1);
  expect((await other.read(10, 0))?.messages).toHaveLength(1);
  await readOne();
  await readOne();
  expect(told).toBe(2);
});

it('ends when its source ends', async () => {
  const source = new MemoryTopic({ name: 'interactions', clock });
  const heard = overheard(source, new MemoryTopic({ name: 'interactions', clock }), () => {});
  await heard.close();
  expect(await heard.read(10, 0)).toBeNull();
});
