import { expect, test } from 'vitest';
import type { Channel, LogSource, SourceProgress } from '../../../src/ports.js';
import { describeWithServer } from '../../servers/describe.js';
import { until } from '../../servers/until.js';
import {
  dropBefore,
  GivenKafka,
  message,
  numbers,
  publishTexts,
  readMessages,
  readTexts,
  sorted,
  textOf,
} from './given.js';

/** Waits until it says of every log that nothing is left. */
function readUp(source: LogSource): Promise<readonly SourceProgress[]> {
  return until('it is read up', async () => {
    const progress = await source.progress();
    return (
      progress.length === source.logs().length && progress.every(({ next }) => next === null) && progress
    );
  });
}

describeWithServer('kafka', 'a Kafka topic that is followed', () => {
  const kafka = new GivenKafka();

  test('gives all that it keeps, then what comes', async () => {
    const broker = await kafka.connect(kafka.options());
    await publishTexts(broker, numbers(0, 30), 'circuits');
    const source = await broker.follow('circuits', 'start');
    expect(sorted(await readTexts(source, 30))).toEqual(numbers(0, 30));
    expect((await readUp(source)).reduce((sum, { last }) => sum + last, 0)).toBe(30);
    await publishTexts(broker, ['30'], 'circuits');
    expect(await readTexts(source, 1)).toEqual(['30']);
  });

  test('gives what came since the call, and nothing before', async () => {
    const broker = await kafka.connect(kafka.options());
    await publishTexts(broker, numbers(0, 30), 'circuits');
    const source = await broker.follow('circuits', 'now');
    await publishTexts(broker, numbers(30, 40), 'circuits');
    expect(sorted(await readTexts(source, 10))).toEqual(numbers(30, 40));
    expect(await readUp(source)).toHaveLength(2);
  });

  test('gives what comes after the positions that are named, and all of the logs that are not', async () => {
    const options = kafka.options({ epoch: 2 });
    const broker = await kafka.connect(options);
    await publishTexts(broker, numbers(0, 60));
    const whole = await readMessages(await broker.follow('interactions', 'start'), 60);
    const [named, other] = [0, 1].map((partition) => `${options.topics.interactions}/${partition}@2`);
    const last = 5;
    const wanted = whole.filter(({ position }) => position.source === other || position.sequence > last);
    expect(wanted.length).toBe(60 - last);
    const from = new Map([[named as string, last]]);
    const source = await broker.follow('interactions', from);
    const read = await readMessages(source, wanted.length);
    expect(sorted(read.map(textOf))).toEqual(sorted(wanted.map(textOf)));
    await readUp(source);
    expect((await source.read(10, 50))?.messages).toEqual([]);
  });

  test('gives what came at a time or later', async () => {
    const broker = await kafka.connect(kafka.options({ partitions: 1 }));
    await publishTexts(broker, numbers(0, 10));
    const since = Date.now() / 1_000 + 0.05;
    await until('it is later', async () => Date.now() / 1_000 > since + 0.05);
    await publishTexts(broker, numbers(10, 15));
    const source = await broker.follow('interactions', { since });
    expect(await readTexts(source, 5)).toEqual(numbers(10, 15));
    const none = await broker.follow('interactions', { since: since + 3_600 });
    expect(await readUp(none)).toMatchObject([{ acknowledged: 15, next: null }]);
  });

  test('says what is gone of that, and gives what came since when nothing came after it', async () => {
    const options = kafka.options({ partitions: 1 });
    const broker = await kafka.connect(options);
    const topic = options.topics.interactions;
    await publishTexts(broker, numbers(0, 20));
    await dropBefore(await kafka.admin(), topic, 12);
    const after = (sequence: number) => broker.follow('interactions', new Map([[`${topic}/0@0`, sequence]]));
    expect(await readTexts(await after(9), 8)).toEqual(numbers(12, 20));
    expect(kafka.lines).toEqual([
      `kafka:${topic}: offsets 9 to 11 of partition 0 were gone before they were read`,
    ]);
    const sources = [await after(20), await after(100)];
    await publishTexts(broker, ['20']);
    for (const source of sources) expect(await readTexts(source, 1)).toEqual(['20']);
  });

  test('is read up at once when it is empty', async () => {
    const source = await (await kafka.connect(kafka.options())).follow('circuits', 'start');
    const nothing = { acknowledged: 0, last: 0, next: null };
    expect(await readUp(source)).toMatchObject([nothing, nothing]);
  });

  test('tells what waits, and counts what was handed out as read', async () => {
    const options = kafka.options({ partitions: 1 });
    const broker = await kafka.connect(options);
    await publishTexts(broker, ['a', 'b', 'c'], 'circuits');
    const source = await broker.follow('circuits', 'start');
    while ((await source.read(1, 1_000))?.messages.length === 0);
    const [progress] = await source.progress();
    expect(progress).toMatchObject({ acknowledged: 1, last: 3, next: { position: { sequence: 2 } } });
    await readTexts(source, 2);
    expect(await readUp(source)).toMatchObject([{ acknowledged: 3, last: 3 }]);
  });

  test.each(['circuits', 'commands'] as const)('leaves out the %s of other tenants', async (channel) => {
    const broker = await kafka.connect(kafka.options());
    const of = (tenant: string) => (text: string) => message(text, { channel, tenant });
    await broker.sink.publish([
      ...numbers(0, 10).map(of('red')),
      ...numbers(10, 20).map(of('red-2')),
      ...numbers(20, 30).map(of('blue')),
    ]);
    const source = await broker.follow(channel, 'start', 'red');
    expect(sorted(await readTexts(source, 10))).toEqual(numbers(0, 10));
    await readUp(source);
    expect((await source.read(10, 50))?.messages).toEqual([]);
  });

  test('goes to each who follows, and leaves no group behind', async () => {
    const options = kafka.options();
    const broker = await kafka.connect(options);
    const admin = await kafka.admin();
    const channel: Channel = 'interactions';
    await publishTexts(broker, numbers(0, 10), channel);
    const followers = await Promise.all([broker.follow(channel, 'start'), broker.follow(channel, 'start')]);
    const processor = await broker.consume(channel);
    for (const source of [...followers, processor])
      expect(sorted(await readTexts(source, 10))).toEqual(numbers(0, 10));
    const groups = async () => {
      const listed = await admin.listGroups();
      return listed.groups.filter(({ groupId }) => groupId.startsWith(options.groupId));
    };
    expect(await groups()).toHaveLength(3);
    for (const source of followers) {
      await source.close();
      expect(await source.read(1, 1_000)).toBeNull();
    }
    expect(await groups()).toHaveLength(1);
  });

  test('is followed from its start whatever it has lost there', async () => {
    const options = kafka.options({ partitions: 1 });
    const broker = await kafka.connect(options);
    await publishTexts(broker, numbers(0, 20), 'dead-letters');
    await dropBefore(await kafka.admin(), options.topics.deadLetters, 12);
    const source = await broker.follow('dead-letters', 'start');
    expect(await readTexts(source, 8)).toEqual(numbers(12, 20));
    expect(await readUp(source)).toMatchObject([{ acknowledged: 20, last: 20 }]);
  });
});
