import { beforeAll, expect, it } from 'vitest';
import type { LogSource } from '../../../src/ports.js';
import { describeWithNats } from '../../servers/describe.js';
import { startNats } from '../../servers/nats.js';
import { until } from '../../servers/until.js';
import {
  batchOf,
  brokerOf,
  connectionTo,
  message,
  messages,
  nextBatch,
  numbers,
  optionsFor,
  readTexts,
  textOf,
  textsOf,
} from './given.js';

describeWithNats('following a stream of NATS', (version) => {
  let url = '';
  beforeAll(async () => {
    ({ url } = await startNats({ version }));
  });

  /** What a follower has read, and what the next is. */
  async function placeIn(source: LogSource): Promise<unknown> {
    const [progress] = await source.progress();
    return [progress?.acknowledged, progress?.last, progress?.next && textOf(progress.next)];
  }

  it('gives all that is kept, in order, then what comes', async () => {
    const broker = await brokerOf(optionsFor(url));
    await broker.sink.publish(messages(1_000));
    const source = await broker.follow('interactions', 'start');
    expect(await placeIn(source)).toEqual([0, 1_000, '1']);
    expect(await readTexts(source, 1_000)).toEqual(numbers(1, 1_000));
    expect(await placeIn(source)).toEqual([1_000, 1_000, null]);
    await broker.sink.publish(messages(10, {}, 1_001));
    expect(await readTexts(source, 10)).toEqual(numbers(1_001, 1_010));
    expect(textsOf(await source.read(10, 1))).toEqual([]);
  });

  it('gives the last message of each subject, then what comes, across a lost consumer', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    const circuit = (id: string, key: string) => message(id, { channel: 'circuits', key });
    await broker.sink.publish([circuit('1', 'a'), circuit('2', 'b'), circuit('3', 'a'), circuit('4', 'c')]);
    const source = await broker.follow('circuits', 'last', 'default');
    expect(await readTexts(source, 3)).toEqual(['2', '3', '4']);
    const { consumers } = await (await connectionTo(url)).jetstreamManager();
    for await (const { name } of consumers.list(options.streams.circuits))
      await consumers.delete(options.streams.circuits, name);
    await broker.sink.publish([circuit('5', 'b'), circuit('6', 'a')]);
    expect(await readTexts(source, 2)).toEqual(['5', '6']);
    expect(await placeIn(source)).toEqual([6, 6, null]);
  });

  it('gives only what comes from now on', async () => {
    const broker = await brokerOf(optionsFor(url));
    await broker.sink.publish(messages(5));
    const source = await broker.follow('interactions', 'now');
    expect(await placeIn(source)).toEqual([5, 5, null]);
    await broker.sink.publish(messages(3, {}, 6));
    expect(await readTexts(source, 3)).toEqual(['6', '7', '8']);
  });

  it('gives what follows a position, and all of a log that has none', async () => {
    const broker = await brokerOf(optionsFor(url));
    await broker.sink.publish(messages(20));
    const [log = ''] = (await broker.follow('interactions', 'now')).logs();
    const after = async (from: ReadonlyMap<string, number>) => broker.follow('interactions', from);
    const source = await after(new Map([[log, 12]]));
    expect(await placeIn(source)).toEqual([12, 20, '13']);
    expect(await readTexts(source, 8)).toEqual(numbers(13, 20));
    const whole = await after(new Map([[`${log}0`, 12]]));
    expect(await readTexts(whole, 20)).toEqual(numbers(1, 20));
    const end = await after(new Map([[log, 20]]));
    expect(await placeIn(end)).toEqual([20, 20, null]);
    await broker.sink.publish(messages(2, {}, 21));
    expect(await readTexts(end, 2)).toEqual(['21', '22']);
  });

  it('gives what came at a time or later', async () => {
    const broker = await brokerOf(optionsFor(url));
    await broker.sink.publish(messages(5));
    const [, , third] = (await batchOf(await broker.follow('interactions', 'start'), 5)).messages;
    // The server's stamps have nanoseconds, ours do not.
    const since = (third?.receivedAt ?? Number.NaN) - 1e-3;
    const source = await broker.follow('interactions', { since });
    const [progress] = await source.progress();
    const texts = await readTexts(source, 5 - (progress?.acknowledged ?? 0));
    expect(texts.slice(-3)).toEqual(['3', '4', '5']);
    const none = await broker.follow('interactions', { since: since + 3_600 });
    expect(await placeIn(none)).toEqual([5, 5, null]);
  });

  it('refuses a position that the stream does not reach', async () => {
    const broker = await brokerOf(optionsFor(url));
    await broker.sink.publish(messages(5));
    const [log = ''] = (await broker.follow('interactions', 'now')).logs();
    await expect(broker.follow('interactions', new Map([[log, 6]]))).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining('ends at 5 and was read up to 6'),
    });
  });

  it('gives what is left where retention has removed what follows a position', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    await broker.sink.publish(messages(10));
    const [log = ''] = (await broker.follow('interactions', 'now')).logs();
    const manager = await (await connectionTo(url)).jetstreamManager();
    await manager.streams.purge(options.streams.interactions, { seq: 8 });
    const source = await broker.follow('interactions', new Map([[log, 2]]));
    expect(await readTexts(source, 3)).toEqual(['8', '9', '10']);
  });

  it('gives the messages of one tenant', async () => {
    const broker = await brokerOf(optionsFor(url));
    const circuit = { channel: 'circuits' as const };
    await broker.sink.publish([
      message('a', { ...circuit, tenant: 'blue' }),
      message('b', { ...circuit, tenant: 'green' }),
      message('c', { ...circuit, tenant: 'blue', key: 'other' }),
      message('d', { ...circuit, tenant: 'green' }),
    ]);
    const source = await broker.follow('circuits', 'start', 'blue');
    expect(await placeIn(source)).toEqual([0, 4, 'a']);
    expect(await readTexts(source, 2)).toEqual(['a', 'c']);
    expect(await placeIn(source)).toEqual([3, 4, null]);
    expect((await source.progress())[0]?.source).toBe(source.logs()[0]);
  });

  it('acknowledges nothing: each reader gets all', async () => {
    const broker = await brokerOf(optionsFor(url));
    await broker.sink.publish(messages(20));
    const sources = await Promise.all([1, 2].map(() => broker.follow('interactions', 'start')));
    const read = await Promise.all(sources.map((source) => readTexts(source, 20)));
    expect(read).toEqual([numbers(1, 20), numbers(1, 20)]);
  });

  it('goes on without gap or repeat when its consumer is lost', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    await broker.sink.publish(messages(500));
    const source = await broker.follow('interactions', 'start');
    const manager = await (await connectionTo(url)).jetstreamManager();
    const loseConsumers = async (): Promise<void> => {
      for (const { name } of await manager.consumers.list(options.streams.interactions).next())
        await manager.consumers.delete(options.streams.interactions, name);
    };
    const texts = await readTexts(source, 100, 20);
    await loseConsumers();
    texts.push(...(await readTexts(source, 400, 50)));
    const reading = nextBatch(source, 10);
    await loseConsumers();
    await broker.sink.publish(messages(10, {}, 501));
    const first = await reading;
    texts.push(...(textsOf(first) ?? []), ...(await readTexts(source, 10 - first.messages.length)));
    expect(texts).toEqual(numbers(1, 510));
  });

  it('leaves no consumer behind when it is closed, and ends', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    const source = await broker.follow('circuits', 'now');
    const manager = await (await connectionTo(url)).jetstreamManager();
    const consumers = async () => (await manager.streams.info(options.streams.circuits)).state.consumer_count;
    expect(await consumers()).toBe(1);
    const reading = source.read(10, 60_000);
    await source.close();
    expect(await reading).toBeNull();
    expect(await source.read(10, 0)).toBeNull();
    await until('the consumer is gone', async () => (await consumers()) === 0);
  });

  it('refuses to go on when the stream was made anew', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    const source = await broker.follow('circuits', 'now');
    const manager = await (await connectionTo(url)).jetstreamManager();
    await manager.streams.delete(options.streams.circuits);
    await (await brokerOf(options)).follow('circuits', 'now');
    await expect(source.read(10, 60_000)).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining('was made anew at'),
    });
  });
});
