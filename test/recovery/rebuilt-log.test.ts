import { expect, it } from 'vitest';
import type { LogSource, SourceMessage } from '../../src/ports.js';
import { RebuiltLog } from '../../src/recovery/rebuilt-log.js';

const message = (source: string, sequence: number): SourceMessage => ({
  body: new Uint8Array(1),
  headers: {},
  tenant: null,
  position: { source, sequence },
  receivedAt: sequence,
});

/** A log that holds what is put into it, and what comes with each read. */
function given({ first = 1, leave = 0, whileRead = (): number => 0 } = {}) {
  let elapsedMs = 0;
  const held: SourceMessage[] = [];
  let read = 0;
  const last = () => held.at(-1)?.position.sequence ?? 0;
  const inner: LogSource = {
    name: 'log',
    system: 'test',
    headerPrefix: 'ce-',
    logs: () => ['log'],
    read: async (most) => {
      const messages = held.slice(read, read + most);
      read += messages.length;
      put(whileRead());
      return { messages, ack: () => {} };
    },
    progress: () => {
      const acknowledged = held[read - 1]?.position.sequence ?? 0;
      return [{ source: 'log', acknowledged, last: last(), next: held[read] ?? null }];
    },
    close: () => {},
  };
  const put = (count: number): void => {
    for (let i = 0; i < count; i++) held.push(message('log', held.length === 0 ? first : last() + 1));
  };
  return { log: new RebuiltLog(inner, leave, () => (elapsedMs += 1_000)), put };
}

it('ends when all is read that the log held', async () => {
  const { log, put } = given();
  put(5);
  expect((await log.read(3, 0))?.messages).toHaveLength(3);
  expect((await log.read(3, 0))?.messages).toHaveLength(2);
  for (let reads = 0; reads < 2 && !log.isRead; reads++) await log.read(3, 0);
  expect(await log.read(3, 0)).toBeNull();
});

it('reads on while more comes than may be left, and leaves the rest', async () => {
  const coming = [3, 3, 1, 1, 1];
  const { log, put } = given({ leave: 2, whileRead: () => coming.shift() ?? 0 });
  put(3);
  let read = 0;
  for (let batch = await log.read(10, 0); batch !== null; batch = await log.read(10, 0))
    read += batch.messages.length;
  expect(read).toBe(10);
  expect(coming).toEqual([1]);
});

it('counts as applied what is acknowledged whole, from the first that is left', async () => {
  const { log, put } = given({ first: 101 });
  put(4);
  const batch = await log.read(4, 0);
  expect(log.applied).toEqual(new Map([['log', 100]]));
  await batch?.ack(batch.messages.slice(0, 1));
  expect(log.applied).toEqual(new Map([['log', 100]]));
  await batch?.ack(batch.messages.slice(1));
  await log.progress();
  expect(log.applied).toEqual(new Map([['log', 104]]));
  expect(log.counts).toEqual({ done: 4, left: 0 });
  expect(log.firsts.map(({ position }) => position.sequence)).toEqual([101]);
});

it('reads no further once it is closed', async () => {
  const { log, put } = given();
  put(5);
  log.close();
  expect(await log.read(3, 0)).toBeNull();
});
