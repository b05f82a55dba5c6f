import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { MessageToSend, SinkMessage, SourceBatch } from '../../src/ports.js';
import { MemorySink, MemoryTopic, type MemoryTopicOptions } from '../../src/streams/memory.js';

function topicOf(options: Partial<MemoryTopicOptions> = {}): MemoryTopic {
  return new MemoryTopic({ name: 'topic', clock: () => 1_000, ...options });
}

const message = (text: string): MessageToSend => ({ body: Buffer.from(text), headers: {} });
const textsOf = (batch: SourceBatch | null): string[] | undefined =>
  batch?.messages.map(({ body }) => Buffer.from(body).toString());

/** Whether a promise is done by the time that all that can run has run. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await nextTurn();
  return done;
}

describe('a memory topic', () => {
  it('gives what was sent, in order, each with its place and the time it came', async () => {
    const topic = topicOf({ firstSequence: 5 });
    await topic.send([{ ...message('a'), headers: { 'ce-id': '1' } }, message('b')]);
    const given = { headers: {}, tenant: null, receivedAt: 1_000 };
    expect((await topic.read(10, 0))?.messages).toEqual([
      {
        ...given,
        body: Buffer.from('a'),
        headers: { 'ce-id': '1' },
        position: { source: 'topic', sequence: 5 },
      },
      { ...given, body: Buffer.from('b'), position: { source: 'topic', sequence: 6 } },
    ]);
  });

  it('says how far it is read: to before the first message that is not acknowledged', async () => {
    const topic = topicOf({ firstSequence: 5 });
    expect(topic.logs()).toEqual(['topic']);
    expect(topic.progress()).toEqual([{ source: 'topic', acknowledged: 4, last: 4, next: null }]);
    await topic.send(['a', 'b', 'c'].map(message));
    const [first, second] = [await topic.read(1, 0), await topic.read(1, 0)];
    const standing = () =>
      topic.progress().map(({ next, ...rest }) => ({ ...rest, next: next?.position.sequence }));
    expect(standing()).toEqual([{ source: 'topic', acknowledged: 4, last: 7, next: 5 }]);
    await second?.ack();
    expect(standing()).toEqual([{ source: 'topic', acknowledged: 4, last: 7, next: 5 }]);
    await first?.ack();
    expect(standing()).toEqual([{ source: 'topic', acknowledged: 6, last: 7, next: 7 }]);
  });

  it('gives no more at a time than is asked for', async () => {
    const topic = topicOf();
    await topic.send(['a', 'b', 'c'].map(message));
    expect(textsOf(await topic.read(2, 0))).toEqual(['a', 'b']);
    expect(textsOf(await topic.read(2, 0))).toEqual(['c']);
  });

  it('answers a reader who waits as soon as something comes', async () => {
    const topic = topicOf();
    const reading = topic.read(10, 60_000);
    expect(await isDone(reading)).toBe(false);
    await topic.send([message('a')]);
    expect(textsOf(await reading)).toEqual(['a']);
  });

  it('gives an empty batch when nothing comes within the wait', async () => {
    const topic = topicOf();
    expect(textsOf(await topic.read(10, 1))).toEqual([]);
    expect(textsOf(await topic.read(10, 0))).toEqual([]);
  });

  it('says how many bytes wait to be read, 1,024 for each message included', async () => {
    const topic = topicOf();
    await topic.send(['ab', 'cde'].map(message));
    expect(topic.backlogBytes).toBe(2_053);
    await topic.read(1, 0);
    expect(topic.backlogBytes).toBe(1_027);
  });
});

describe('senders to a memory topic', () => {
  it('wait while too much is waiting to be read, and go on in order when it is read', async () => {
    const topic = topicOf({ maxQueuedBytes: 4 });
    await topic.send([message('12345')]);
    const second = topic.send([message('67890')]);
    const third = topic.send([message('x')]);
    expect(await isDone(second)).toBe(false);
    expect(textsOf(await topic.read(1, 0))).toEqual(['12345']);
    expect(await isDone(second)).toBe(true);
    // The second filled it again.
    expect(await isDone(third)).toBe(false);
    expect(textsOf(await topic.read(1, 0))).toEqual(['67890']);
    await third;
    expect(textsOf(await topic.read(10, 0))).toEqual(['x']);
  });

  it('never put in more than one sending over the bound', async () => {
    const topic = topicOf({ maxQueuedBytes: 3_000 });
    const sending = Promise.all(Array.from({ length: 50 }, () => topic.send([message('x'.repeat(300))])));
    let read = 0;
    while (read < 50) {
      expect(topic.backlogBytes).toBeLessThanOrEqual(3_000 + 1_324);
      read += (await topic.read(2, 1_000))?.messages.length ?? 0;
      await nextTurn();
    }
    await sending;
    expect(topic.backlogBytes).toBe(0);
  });

  it('are told when it closes while they wait, and afterwards', async () => {
    const topic = topicOf({ maxQueuedBytes: 1 });
    await topic.send([message('12')]);
    const waiting = topic.send([message('34')]);
    topic.close();
    await expect(waiting).rejects.toThrow('topic is closed');
    await expect(topic.send([message('56')])).rejects.toThrow('topic is closed');
  });
});

describe('what was read from a memory topic and not acknowledged', () => {
  it('is delivered again, first, in its order and with its places', async () => {
    const topic = topicOf();
    await topic.send(['a', 'b', 'c'].map(message));
    const first = await topic.read(1, 0);
    await topic.read(1, 0);
    topic.redeliver();
    expect(topic.backlogBytes).toBe(3 * 1_025);
    const again = await topic.read(10, 0);
    expect(textsOf(again)).toEqual(['a', 'b', 'c']);
    expect(again?.messages[0]?.position).toEqual(first?.messages[0]?.position);
  });

  it('is delivered again to a reader who already waits', async () => {
    const topic = topicOf();
    await topic.send([message('a')]);
    await topic.read(10, 0);
    const reading = topic.read(10, 60_000);
    topic.redeliver();
    expect(textsOf(await reading)).toEqual(['a']);
  });

  it('is not what was acknowledged', async () => {
    const topic = topicOf();
    await topic.send(['a', 'b', 'c'].map(message));
    const first = await topic.read(1, 0);
    await topic.read(1, 0);
    await first?.ack();
    topic.redeliver();
    expect(textsOf(await topic.read(10, 0))).toEqual(['b', 'c']);
    topic.redeliver();
    expect(textsOf(await topic.read(10, 0))).toEqual(['b', 'c']);
  });
});

describe('a batch of a memory topic that is acknowledged in part', () => {
  it('is delivered again without what was acknowledged', async () => {
    const topic = topicOf();
    await topic.send(['a', 'b', 'c', 'd'].map(message));
    const batch = await topic.read(4, 0);
    await batch?.ack([1, 3].flatMap((index) => batch.messages[index] ?? []));
    topic.redeliver();
    expect(textsOf(await topic.read(10, 0))).toEqual(['a', 'c']);
    await batch?.ack();
    topic.redeliver();
    expect(topic.backlogBytes).toBe(0);
  });
});

describe('a memory topic that is closed', () => {
  it('is read to its end', async () => {
    const topic = topicOf();
    await topic.send(['a', 'b'].map(message));
    topic.close();
    expect(textsOf(await topic.read(1, 60_000))).toEqual(['a']);
    expect(textsOf(await topic.read(1, 60_000))).toEqual(['b']);
    expect(await topic.read(1, 60_000)).toBeNull();
  });

  it('answers a reader who waits with the end', async () => {
    const topic = topicOf();
    const reading = topic.read(1, 60_000);
    topic.close();
    expect(await reading).toBeNull();
  });
});

describe('a memory sink', () => {
  const published: SinkMessage = {
    channel: 'circuits',
    id: '1',
    tenant: 'default',
    key: 'k',
    headers: {},
    body: Buffer.from('{}'),
  };

  it('hands every message to everybody who listens, until they have heard enough', () => {
    const sink = new MemorySink();
    const heard: string[] = [];
    const end = sink.subscribe(({ id }) => heard.push(`first ${id}`));
    sink.subscribe(({ id }) => heard.push(`second ${id}`));
    sink.publish([published]);
    end();
    sink.publish([{ ...published, id: '2' }]);
    expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
  });

  it('keeps nothing for those who come later', () => {
    const sink = new MemorySink();
    sink.publish([published]);
    const heard: SinkMessage[] = [];
    sink.subscribe((late) => heard.push(late));
    expect(heard).toEqual([]);
  });
});
