import { createConnection } from 'node:net';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { FulcrumError } from '../../../src/errors.js';
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
  readAllOf,
  readTexts,
  sequencesOf,
  textOf,
  textsOf,
} from './given.js';

describeWithNats('a stream of NATS that is read together', (version) => {
  let url = '';
  beforeAll(async () => {
    ({ url } = await startNats({ version }));
  });
  const managerOf = async () => (await connectionTo(url)).jetstreamManager();

  it('gives what was published, each with its place, its tenant and the time it came', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    const before = Date.now() / 1_000;
    await broker.sink.publish([message('a', { headers: { traceparent: '00-1' } })]);
    const raw = await connectionTo(url);
    await raw.jetstream().publish(`${options.subjectPrefix}.interactions.blue`, 'b');
    const source = await broker.consume('interactions');
    const { created } = await (await raw.jetstreamManager()).streams.info(options.streams.interactions);
    const [log] = source.logs();
    expect(log).toBe(`${options.streams.interactions}@${Date.parse(created)}`);
    expect(source).toMatchObject({
      name: `nats:${options.streams.interactions}`,
      system: 'nats',
      headerPrefix: 'ce-',
    });
    const [a, b] = (await batchOf(source, 2)).messages;
    expect(a).toMatchObject({
      headers: { traceparent: '00-1', 'nats-msg-id': 'a' },
      tenant: 'default',
      position: { source: log, sequence: 1 },
    });
    expect(b).toMatchObject({ headers: {}, tenant: 'blue', position: { source: log, sequence: 2 } });
    for (const { receivedAt } of [a, b].filter((given) => given !== undefined)) {
      expect(receivedAt).toBeGreaterThan(before - 1);
      expect(receivedAt).toBeLessThan(Date.now() / 1_000 + 1);
    }
  });

  it('gives the last of several headers of one name, whatever their case', async () => {
    const options = optionsFor(url);
    const source = await (await brokerOf(options)).consume('interactions');
    const raw = await connectionTo(url);
    const { headers } = await import('nats');
    const given = headers();
    given.append('CE-Id', 'first');
    given.append('CE-Id', 'second');
    given.append('__proto__', 'kept');
    raw.publish(`${options.subjectPrefix}.interactions.default`, 'a', { headers: given });
    const read = (await nextBatch(source, 10)).messages[0]?.headers ?? {};
    expect(Object.entries(read).sort()).toEqual([
      ['__proto__', 'kept'],
      ['ce-id', 'second'],
    ]);
  });

  it('gives a message whose headers cannot be read, and says so', async () => {
    const options = optionsFor(url);
    const source = await (await brokerOf(options)).consume('interactions');
    const socket = createConnection(Number(new URL(url).port), new URL(url).hostname);
    onTestFinished(() => void socket.destroy());
    const given = 'NATS/1.0\r\nCE Id: 1\r\n\r\n';
    const subject = `${options.subjectPrefix}.interactions.default`;
    const sizes = `${given.length} ${given.length + 1}`;
    socket.write(`CONNECT {"verbose":false,"headers":true}\r\nHPUB ${subject} ${sizes}\r\n${given}a\r\n`);
    const expected = {
      headers: {},
      position: { sequence: 1 },
      malformed: { reason: 'invalid_event', field: 'headers' },
    };
    const batch = await nextBatch(source, 10);
    expect(batch.messages).toMatchObject([expected]);
    expect(textsOf(batch)).toEqual(['a']);
    expect(await source.progress()).toMatchObject([{ next: expected }]);
  });

  it('gives no more at a time than is asked for, and an empty batch when nothing comes', async () => {
    const broker = await brokerOf(optionsFor(url));
    const source = await broker.consume('interactions');
    expect(textsOf(await source.read(10, 1))).toEqual([]);
    await broker.sink.publish(messages(5));
    const first = await nextBatch(source, 2);
    expect(first.messages.length).toBeLessThanOrEqual(2);
    await first.ack();
    expect(await readTexts(source, 5 - first.messages.length, 2)).toEqual(
      numbers(first.messages.length + 1, 5),
    );
    expect(textsOf(await source.read(10, 1))).toEqual([]);
  });

  it('answers a reader who waits as soon as something comes', async () => {
    const broker = await brokerOf(optionsFor(url));
    const source = await broker.consume('interactions');
    const reading = source.read(10, 60_000);
    await broker.sink.publish([message('a')]);
    expect(textsOf(await reading)).toEqual(['a']);
  });

  it('says how far it is acknowledged, and what comes next', async () => {
    const broker = await brokerOf(optionsFor(url));
    const source = await broker.consume('interactions');
    const [log] = source.logs();
    expect(await source.progress()).toEqual([{ source: log, acknowledged: 0, last: 0, next: null }]);
    await broker.sink.publish(messages(3, { headers: { a: 'b' }, tenant: 'blue' }));
    expect(await source.progress()).toMatchObject([
      {
        source: log,
        acknowledged: 0,
        last: 3,
        next: {
          tenant: 'blue',
          position: { source: log, sequence: 1 },
          headers: { a: 'b', 'nats-msg-id': '1' },
        },
      },
    ]);
    const batch = await nextBatch(source, 1);
    await batch.ack();
    const [progress] = await until('the acknowledgement is there', async () => {
      const found = await source.progress();
      return found[0]?.acknowledged === 1 && found;
    });
    expect(progress?.next === null ? null : progress?.next && textOf(progress.next)).toBe('2');
    await readTexts(source, 2);
    await until('all is acknowledged', async () => (await source.progress())[0]?.acknowledged === 3);
    expect(await source.progress()).toEqual([{ source: log, acknowledged: 3, last: 3, next: null }]);
  });

  it('delivers again what a reader that is gone did not acknowledge', async () => {
    const options = optionsFor(url, { ackWaitSeconds: 1 });
    const first = await brokerOf(options);
    await first.sink.publish(messages(3));
    const batch = await nextBatch(await first.consume('interactions'), 3);
    await first.close();
    const second = await (await brokerOf(options)).consume('interactions');
    expect(await readAllOf(second, 3)).toEqual(new Set(['1', '2', '3']));
    expect(sequencesOf(batch)?.[0]).toBe(1);
  });

  it('is not delivered to another while it is worked on, however long', async () => {
    const options = optionsFor(url, { ackWaitSeconds: 1 });
    const one = await (await brokerOf(options)).consume('interactions');
    const other = await (await brokerOf(options)).consume('interactions');
    const broker = await brokerOf(options);
    expect(textsOf(await one.read(2, 50))).toEqual([]);
    await broker.sink.publish(messages(2));
    const manager = await managerOf();
    await until('both wait to be read', async () => {
      const info = await manager.consumers.info(options.streams.interactions, options.durable);
      return info.num_ack_pending === 2;
    });
    const batch = await nextBatch(one, 1);
    expect(textsOf(await other.read(10, 2_500))).toEqual([]);
    await batch.ack();
    expect(await readTexts(one, 1)).toEqual(['2']);
  });

  it('is fetched ahead for nobody who reads one at a time', async () => {
    const options = optionsFor(url);
    const one = await (await brokerOf(options)).consume('interactions');
    const other = await (await brokerOf(options)).consume('interactions');
    await (await brokerOf(options)).sink.publish(messages(2));
    expect(textsOf(await nextBatch(one, 1))).toEqual(['1']);
    expect(textsOf(await nextBatch(other, 1))).toEqual(['2']);
  });

  it('is acknowledged in parts: the others stay this reader’s', async () => {
    const options = optionsFor(url, { ackWaitSeconds: 1 });
    const broker = await brokerOf(options);
    await broker.sink.publish(messages(6));
    const source = await broker.consume('interactions');
    const batch = await batchOf(source, 6);
    expect(textsOf(batch)).toEqual(numbers(1, 6));
    const part = (...texts: string[]) => batch.messages.filter((one) => texts.includes(textOf(one)));
    const manager = await managerOf();
    const isAt = (floor: number, held: number) =>
      until(`${floor} are acknowledged, ${held} held`, async () => {
        const info = await manager.consumers.info(options.streams.interactions, options.durable);
        return info.ack_floor.stream_seq === floor && info.num_ack_pending === held;
      });
    await batch.ack(part('2', '5'));
    await isAt(0, 4);
    const other = await (await brokerOf(options)).consume('interactions');
    expect(textsOf(await other.read(10, 2_500))).toEqual([]);
    await batch.ack(part('1', '2'));
    await isAt(2, 3);
    await batch.ack();
    await isAt(6, 0);
    await batch.ack();
    expect(textsOf(await other.read(10, 1_500))).toEqual([]);
  });

  it('goes to another at once when its reader leaves with it', async () => {
    // nats-server 2.9 leaves one for the ack wait when a request of the reader that left was still open.
    const options = optionsFor(url, { ackWaitSeconds: version === '2.9' ? 2 : 600 });
    const leaving = await brokerOf(options);
    await leaving.sink.publish(messages(5));
    const batch = await batchOf(await leaving.consume('interactions'), 5);
    await batch.ack(batch.messages.slice(0, 2));
    await leaving.close();
    const broker = await brokerOf(options);
    // The server works off acknowledgements by and by: who asks before that may be given one of them again.
    await until(
      'two are acknowledged',
      async () => (await broker.standing('interactions'))[0]?.acknowledged === 2,
    );
    const other = await broker.consume('interactions');
    expect(await readAllOf(other, 3)).toEqual(new Set(['3', '4', '5']));
  });

  it('is shared by two readers', async () => {
    const options = optionsFor(url);
    const sources = await Promise.all(
      [1, 2].map(async () => (await brokerOf(options)).consume('interactions')),
    );
    const broker = await brokerOf(options);
    const total = 2_000;
    const read: string[][] = [[], []];
    const work = async (source: LogSource, texts: string[]): Promise<void> => {
      while ((read[0]?.length ?? 0) + (read[1]?.length ?? 0) < total) {
        const batch = await source.read(50, 20);
        texts.push(...(textsOf(batch) ?? []));
        await batch?.ack();
      }
    };
    const working = Promise.all(sources.map((source, i) => work(source, read[i] as string[])));
    await broker.sink.publish(messages(total));
    await working;
    expect(read.flat().toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(1, total));
    for (const texts of read) expect(texts.length).toBeGreaterThan(total / 10);
  });

  it('holds at most two batches that nobody has read', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    await broker.sink.publish(messages(1_000));
    const source = await broker.consume('interactions');
    const manager = await managerOf();
    const delivered = async () =>
      (await manager.consumers.info(options.streams.interactions, options.durable)).num_ack_pending;
    let read = 0;
    for (let i = 0; i < 5; i++) {
      read += (await nextBatch(source, 50)).messages.length;
      expect(await delivered()).toBeLessThanOrEqual(read + 100);
    }
    await until('the next batch is on its way', async () => (await delivered()) > read);
  });

  it('holds at most 16 MiB that nobody has read', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    const bytes = 512 * 1024;
    await broker.sink.publish(messages(60, { body: Buffer.alloc(bytes) }));
    const source = await broker.consume('interactions');
    const manager = await managerOf();
    let read = 0;
    while (read < 60) {
      const batch = await nextBatch(source, 1_000);
      read += batch.messages.length;
      const { num_ack_pending } = await manager.consumers.info(options.streams.interactions, options.durable);
      expect((num_ack_pending - batch.messages.length) * bytes).toBeLessThanOrEqual(16 * 1024 * 1024);
      await batch.ack();
      await until('the acknowledgement is there', async () => {
        const info = await manager.consumers.info(options.streams.interactions, options.durable);
        return info.ack_floor.stream_seq === read;
      });
    }
  });

  it('gives back what nobody has read when it is closed, and ends', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    await broker.sink.publish(messages(300));
    const closing = await broker.consume('interactions');
    const read = await nextBatch(closing, 50);
    const waiting = closing.read(50, 60_000);
    await closing.close();
    const late = await waiting;
    expect(await closing.read(50, 0)).toBeNull();
    const other = await (await brokerOf(options)).consume('interactions');
    const got = [read, late].flatMap((batch) => textsOf(batch) ?? []);
    got.push(...(await readTexts(other, 300 - got.length)));
    expect(got.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbers(1, 300));
    // What was read before can still be acknowledged.
    await read.ack();
    await late?.ack();
    await until('all is acknowledged', async () => (await other.progress())[0]?.next === null);
  });

  it('ends the read under way when it is closed', async () => {
    const source = await (await brokerOf(optionsFor(url))).consume('commands');
    const reading = source.read(10, 60_000);
    await source.close();
    expect(await reading).toBeNull();
  });

  it('notices, and says once, that retention overtook it', async () => {
    const options = optionsFor(url);
    const manager = await managerOf();
    const name = options.streams.interactions;
    await manager.streams.add({ name, subjects: [`${options.subjectPrefix}.interactions.*`], max_msgs: 10 });
    const lines: string[] = [];
    const broker = await brokerOf(options, (line, level) => lines.push(`${level} ${line}`));
    const source = await broker.consume('interactions');
    await broker.sink.publish(messages(5));
    await readTexts(source, 5);
    await until('all is acknowledged', async () => (await source.progress())[0]?.acknowledged === 5);
    await source.close();
    expect(lines).toEqual([]);
    await broker.sink.publish(messages(20, {}, 6));
    const again = await broker.consume('interactions');
    expect(await again.progress()).toMatchObject([
      { acknowledged: 5, last: 25, next: { position: { sequence: 16 } } },
    ]);
    await again.progress();
    expect(lines).toEqual([
      expect.stringMatching(/^error nats:\w+: retention overtook fulcrum-processor, 10 mess/),
    ]);
    expect(await readTexts(again, 10)).toEqual(numbers(16, 25));
    expect(again).toMatchObject({ lost: 10 });
  });

  /** What reading ends with; while the server is at work on it, it may say first that it is away. */
  async function refusal(source: LogSource): Promise<unknown> {
    for (;;) {
      try {
        await source.read(10, 60_000);
      } catch (error) {
        if (!(error instanceof FulcrumError && error.code === 'unavailable')) return error;
      }
    }
  }

  it('refuses to go on when the stream was deleted', async () => {
    const options = optionsFor(url);
    const source = await (await brokerOf(options)).consume('interactions');
    const refused = refusal(source);
    await (await managerOf()).streams.delete(options.streams.interactions);
    expect(await refused).toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining('was deleted while it was read'),
    });
  });

  it('refuses to go on when the stream was made anew', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    const source = await broker.consume('interactions');
    await broker.sink.publish(messages(3));
    await readTexts(source, 3);
    const manager = await managerOf();
    await manager.streams.delete(options.streams.interactions);
    const anew = await (await brokerOf(options)).consume('interactions');
    expect(anew.logs()).not.toEqual(source.logs());
    const expected = { code: 'mismatch', message: expect.stringContaining('was made anew at') };
    await expect(source.read(10, 60_000)).rejects.toMatchObject(expected);
    await expect(source.progress()).rejects.toMatchObject(expected);
  });

  it('takes nothing of a stream that was made anew while nothing was asked of it', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    const source = await broker.consume('interactions');
    await broker.sink.publish(messages(3));
    // Who reads one at a time has no request open in between.
    for (let i = 0; i < 3; i++) await (await nextBatch(source, 1)).ack();
    await (await managerOf()).streams.delete(options.streams.interactions);
    const anew = await brokerOf(options);
    await anew.consume('interactions');
    await anew.sink.publish(messages(2, {}, 4));
    await expect(nextBatch(source, 1)).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining('was made anew at'),
    });
  });

  it('refuses to go on when its consumer was deleted', async () => {
    const options = optionsFor(url);
    const source = await (await brokerOf(options)).consume('interactions');
    const refused = refusal(source);
    await (await managerOf()).consumers.delete(options.streams.interactions, options.durable);
    expect(await refused).toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining('nats consumer fulcrum-processor of stream'),
    });
  });
});
