import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { SourceMessage } from '../../../src/ports.js';
import { describeWithServer } from '../../servers/describe.js';
import { until } from '../../servers/until.js';
import {
  committedOf,
  dropBefore,
  GivenKafka,
  message,
  nextBatch,
  numbers,
  publishTexts,
  readMessages,
  readTexts,
  sorted,
  textOf,
} from './given.js';

describeWithServer('kafka', 'a Kafka topic that is consumed', () => {
  const kafka = new GivenKafka();

  test('gives each message with its place, its headers and the stamp of the broker', async () => {
    const options = kafka.options({ partitions: 1, epoch: 3 });
    const broker = await kafka.connect(options);
    const headers = { 'Content-Type': 'application/cloudevents+json', ce_id: 'ä' };
    const before = Date.now() / 1_000;
    await broker.sink.publish([message('a', { headers }), message('b')]);
    const source = await broker.consume('interactions');
    const { topics } = options;
    expect(source).toMatchObject({
      name: `kafka:${topics.interactions}`,
      system: 'kafka',
      headerPrefix: 'ce_',
    });
    const name = `${topics.interactions}/0@3`;
    expect(source.logs()).toEqual([name]);
    const [first, second] = await readMessages(source, 2);
    expect(first).toEqual({
      body: Buffer.from('a'),
      headers: { 'content-type': 'application/cloudevents+json', ce_id: 'ä' },
      tenant: null,
      position: { source: name, sequence: 1 },
      receivedAt: expect.any(Number),
    });
    expect(second).toMatchObject({ headers: {}, position: { source: name, sequence: 2 } });
    expect(first?.receivedAt).toBeGreaterThan(before - 1);
    expect(first?.receivedAt).toBeLessThan(before + 10);
  });

  test('takes whatever other producers put there', async () => {
    const options = kafka.options({ partitions: 1 });
    const source = await (await kafka.connect(options)).consume('interactions');
    const producer = kafka.client().producer();
    await producer.connect();
    const headers = {
      'X-Two': ['one', 'two'],
      binary: Buffer.from([0xff]),
      ['__proto__']: 'kept',
      empty: '',
    };
    await producer.send({
      topic: options.topics.interactions,
      messages: [{ value: null }, { key: 'k', value: '', headers }],
    });
    await producer.disconnect();
    const messages = await readMessages(source, 2);
    expect(messages.map(({ headers }) => Object.entries(headers))).toEqual([
      [],
      [
        ['x-two', 'two'],
        ['binary', '\ufffd'],
        ['__proto__', 'kept'],
        ['empty', ''],
      ],
    ]);
    expect(messages.map(textOf)).toEqual(['', '']);
  });

  test('is read on after what was acknowledged; the rest comes again', async () => {
    const options = kafka.options();
    const broker = await kafka.connect(options);
    await publishTexts(broker, numbers(0, 100));
    const first = await broker.consume('interactions');
    const done = await readTexts(first, 50, 10);
    const left = await first.read(10, 1_000);
    expect(left?.messages).toHaveLength(10);
    await first.close();
    expect(await first.read(10, 1_000)).toBeNull();
    const second = await broker.consume('interactions');
    const rest = await readTexts(second, 100 - done.length);
    expect(sorted([...done, ...rest])).toEqual(numbers(0, 100));
  });

  test('has nothing committed before it is acknowledged, and all of it soon after', async () => {
    const options = kafka.options({ partitions: 1 });
    const broker = await kafka.connect(options);
    const admin = await kafka.admin();
    const committed = () => committedOf(admin, options.groupId, options.topics.interactions);
    await publishTexts(broker, numbers(0, 20));
    const source = await broker.consume('interactions');
    const one = await nextBatch(source, 5);
    const two = await nextBatch(source, 5);
    expect(await committed()).toEqual([null]);
    await two.ack();
    await source.progress();
    // The one before it may yet fail.
    expect(await committed()).toEqual([null]);
    await one.ack();
    await source.progress();
    expect(await committed()).toEqual([10]);
    const three = await nextBatch(source, 5);
    await three.ack();
    await until('the last acknowledgement is committed', async () => (await committed())[0] === 15);
  });

  test('is committed up to the first message that is open when a part of a batch is acknowledged', async () => {
    const options = kafka.options({ partitions: 2 });
    const broker = await kafka.connect(options);
    const admin = await kafka.admin();
    await publishTexts(broker, numbers(0, 40));
    const first = await broker.consume('interactions');
    const { messages, ack } = await until('all of it is fetched', async () => {
      await until('something is fetched', async () => first.waitingBytes >= 40 * 512);
      return nextBatch(first, 40);
    });
    expect(messages).toHaveLength(40);
    const open = messages.filter(({ position }) => position.sequence === 4 || position.sequence === 9);
    expect(open).toHaveLength(4);
    await ack(messages.filter((one) => !open.includes(one)));
    await first.progress();
    const committed = () => committedOf(admin, options.groupId, options.topics.interactions);
    expect(await committed()).toEqual([3, 3]);
    const [one, ...others] = open as [SourceMessage, ...SourceMessage[]];
    expect((await first.progress()).map(({ next }) => next?.position.sequence)).toEqual([4, 4]);
    await ack([one]);
    await first.close();
    expect(sorted((await committed()).map(String))).toEqual(['3', '8']);
    // What comes after a message that is open comes again with it.
    const second = await broker.consume('interactions');
    const again = await readTexts(second, 40 - 3 - 8);
    expect(again).toEqual(expect.arrayContaining(others.map(textOf)));
    expect(again).not.toContain(textOf(one));
    await second.close();
    const offsets = await admin.fetchTopicOffsets(options.topics.interactions);
    const ends = new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
    expect(await committed()).toEqual([ends.get(0), ends.get(1)]);
  });

  test('takes the acknowledgement of what was handed out when it is closed meanwhile', async () => {
    const options = kafka.options({ partitions: 1 });
    const broker = await kafka.connect(options);
    await publishTexts(broker, numbers(0, 10));
    const source = await broker.consume('interactions');
    const batch = await nextBatch(source, 5);
    const closing = source.close();
    expect(await source.read(5, 1_000)).toBeNull();
    await batch.ack();
    await closing;
    const admin = await kafka.admin();
    expect(await committedOf(admin, options.groupId, options.topics.interactions)).toEqual([5]);
  });

  test('answers a reader who waits as soon as something comes, and with nothing when nothing does', async () => {
    const broker = await kafka.connect(kafka.options());
    const source = await broker.consume('interactions');
    await until('the group is joined', async () => (await source.progress()).length === 2);
    expect((await source.read(10, 1))?.messages).toEqual([]);
    const reading = source.read(10, 20_000);
    await publishTexts(broker, ['a']);
    expect((await reading)?.messages.map(textOf)).toEqual(['a']);
  });

  test('tells how far it was read, in the numbers of its positions', async () => {
    const options = kafka.options();
    const broker = await kafka.connect(options);
    const admin = await kafka.admin();
    const source = await broker.consume('interactions');
    const progressOf = async (partition: number) =>
      (await source.progress()).find(({ source: log }) => log === source.logs()[partition]);
    expect(await until('it is known', () => progressOf(0))).toMatchObject({
      acknowledged: 0,
      last: 0,
      next: null,
    });
    await publishTexts(broker, numbers(0, 40));
    const offsets = await admin.fetchTopicOffsets(options.topics.interactions);
    const last = Number(offsets.find(({ partition }) => partition === 0)?.high);
    const batch = await nextBatch(source, 1);
    const [first] = batch.messages as [SourceMessage];
    const partition = source.logs().indexOf(first.position.source);
    expect(await until('next is known', () => progressOf(partition))).toMatchObject({
      acknowledged: 0,
      next: first,
    });
    await batch.ack();
    await readMessages(source, 39);
    const end = await until('it is read up', async () => {
      const progress = await progressOf(0);
      return progress?.last === last && progress;
    });
    expect(end).toEqual({ source: source.logs()[0], acknowledged: last, last, next: null });
  });

  test('is read up also where it ends with what is no message', async () => {
    const options = kafka.options({ partitions: 1 });
    const broker = await kafka.connect(options);
    const source = await broker.consume('interactions');
    const producer = kafka.client().producer({ transactionalId: options.groupId, idempotent: true });
    await producer.connect();
    const inTransaction = async (value: string, end: 'commit' | 'abort') => {
      const transaction = await producer.transaction();
      await transaction.send({ topic: options.topics.interactions, messages: [{ value }] });
      await transaction[end]();
    };
    await inTransaction('a', 'commit');
    await inTransaction('b', 'abort');
    await producer.disconnect();
    expect(await readTexts(source, 1)).toEqual(['a']);
    // Two messages, and what ended each of their transactions.
    const readUp = async () => (await source.progress())[0]?.acknowledged === 4;
    await until('it is read up', readUp);
    expect(await source.progress()).toMatchObject([{ last: 4, next: null }]);
  });

  test('is fetched no further than a bound ahead of its reader, who stays in the group', async () => {
    const options = kafka.options({ sessionTimeoutMs: 1_000 });
    const broker = await kafka.connect(options);
    const texts = numbers(0, 32_000);
    const filling = Buffer.alloc(1_000, ' ');
    await broker.sink.publish(
      texts.map((text) => message(text, { body: Buffer.concat([Buffer.from(text), filling]) })),
    );
    const source = await broker.consume('interactions');
    await until('it is paused', async () => source.paused);
    // Longer than the session: a member that does not say that it lives would be put out of the group.
    await pause(2_000);
    expect(source.paused).toBe(true);
    expect(source.waitingBytes).toBeLessThan(24 * 1024 * 1024);
    const read = (await readMessages(source, texts.length)).map((one) => textOf(one).trim());
    expect(sorted(read)).toEqual(texts);
    expect(source.restarts).toBe(0);
    expect(kafka.lines).toEqual([]);
  });

  test('says how much of it retention took before it was read, once', async () => {
    const options = kafka.options({ partitions: 1 });
    const broker = await kafka.connect(options);
    const { interactions } = options.topics;
    await publishTexts(broker, numbers(0, 20));
    const first = await broker.consume('interactions');
    await (await nextBatch(first, 5)).ack();
    await first.close();
    const admin = await kafka.admin();
    await dropBefore(admin, interactions, 12);
    const findings = await broker.check();
    expect(findings.find(({ what }) => what === `kafka group ${options.groupId}`)).toMatchObject({
      status: 'bad',
      detail: 'retention took offsets 5 to 11 of partition 0 before they were read',
    });
    const second = await broker.consume('interactions');
    expect(await readTexts(second, 8)).toEqual(numbers(12, 20));
    expect(second.missed).toBe(7);
    expect(kafka.lines.filter((line) => line.includes('retention'))).toEqual([
      `kafka:${interactions}: 7 messages of partition 0, offsets 5 to 11, were gone before they were read: ` +
        'retention overtook the processors; run more of them or keep longer',
    ]);
  });

  test('says so when retention takes what a reader who is held up has not fetched', async () => {
    const options = kafka.options({ partitions: 1 });
    const broker = await kafka.connect(options);
    const topic = options.topics.interactions;
    const body = Buffer.alloc(100_000, 'x');
    const publishLarge = (from: number, to: number) =>
      broker.sink.publish(numbers(from, to).map((text) => message(text, { body })));
    await publishLarge(0, 300);
    const source = await broker.consume('interactions');
    await until('it is paused', async () => source.paused);
    const admin = await kafka.admin();
    await dropBefore(admin, topic, 290);
    let last = 0;
    let count = 0;
    while (last < 300)
      for (const { position } of await readMessages(source, 1)) {
        count++;
        last = position.sequence;
      }
    expect(count).toBe(300 - source.missed);
    expect(source.missed).toBeGreaterThan(0);
  });
});
