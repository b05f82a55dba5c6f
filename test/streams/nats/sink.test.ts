import { beforeAll, expect, it } from 'vitest';
import { type Channel, channels } from '../../../src/ports.js';
import { describeWithNats } from '../../servers/describe.js';
import { startNats } from '../../servers/nats.js';
import {
  brokerOf,
  connectionTo,
  message,
  messages,
  numbers,
  optionsFor,
  readTexts,
  textsOf,
} from './given.js';

describeWithNats('publishing to NATS', (version) => {
  let url = '';
  beforeAll(async () => {
    ({ url } = await startNats({ version }));
  });

  it('goes to the subject of channel, tenant and key', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    const raw = await connectionTo(url);
    const subjects: string[] = [];
    raw.subscribe(`${options.subjectPrefix}.>`, {
      callback: (_, { subject }) => void subjects.push(subject),
    });
    await raw.flush();
    const one = (channel: Channel) => message(channel, { channel, tenant: 'blue', key: 'k1' });
    await broker.sink.publish(channels.map(one));
    await raw.flush();
    const prefix = options.subjectPrefix;
    expect(subjects).toEqual([
      `${prefix}.interactions.blue`,
      `${prefix}.commands.blue`,
      `${prefix}.circuits.blue.k1`,
      `${prefix}.dead-letters.blue.k1`,
      `${prefix}.analyses.blue.k1`,
    ]);
  });

  it('keeps many messages in their order, all of them stored when it is done', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    await broker.sink.publish(messages(3_000));
    const manager = await (await connectionTo(url)).jetstreamManager();
    expect((await manager.streams.info(options.streams.interactions)).state.messages).toBe(3_000);
    expect(await readTexts(await broker.consume('interactions'), 3_000, 1_000)).toEqual(numbers(1, 3_000));
  });

  it('stores a message that is published again under its id once', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    await broker.sink.publish([message('a'), message('b')]);
    await broker.sink.publish([message('b'), message('c')]);
    await broker.sink.publish([message('a\r\nNats-Rollup: all'), message('a\r\nNats-Rollup: all')]);
    expect(await readTexts(await broker.consume('interactions'), 4)).toEqual([
      'a',
      'b',
      'c',
      'a\r\nNats-Rollup: all',
    ]);
  });

  it('passes headers on, but for what the server would act on or refuse', async () => {
    const options = optionsFor(url);
    const broker = await brokerOf(options);
    const letter = message('nats:X@1/7', {
      channel: 'dead-letters',
      key: 'invalid_json',
      headers: {
        'content-type': 'application/json',
        'nats-msg-id': 'the original',
        'Nats-Expected-Stream': 'ANOTHER',
        'nats-rollup': 'all',
        'nats ttl': '1s',
        'dlq-detail': 'two\r\nlines, ünïcode',
        'od d:näme': 'x',
      },
    });
    await broker.sink.publish([letter]);
    const source = await broker.follow('dead-letters', 'start');
    const batch = await source.read(10, 10_000);
    expect(batch?.messages).toMatchObject([{ tenant: 'default' }]);
    expect(textsOf(batch)).toEqual(['nats:X@1/7']);
    expect(batch?.messages[0]?.headers).toEqual({
      'content-type': 'application/json',
      'nats-msg-id': 'nats:X@1/7',
      'dlq-original-nats-msg-id': 'the original',
      'dlq-original-nats-expected-stream': 'ANOTHER',
      'dlq-original-nats-rollup': 'all',
      'dlq-original-nats-ttl': '1s',
      'dlq-detail': 'two lines, ünïcode',
      'od-d-n-me': 'x',
    });
  });

  it('refuses a message that is larger than the server takes, and says both sizes', async () => {
    const { sink } = await brokerOf(optionsFor(url));
    await expect(sink.publish([message('a', { body: Buffer.alloc(1024 * 1024 + 1) })])).rejects.toMatchObject(
      {
        code: 'refused',
        message: expect.stringMatching(
          /has 1048577 bytes and its headers, the server takes 1048576 \(max_payload\)/,
        ),
      },
    );
  });

  it('refuses more headers than JetStream takes', async () => {
    const { sink } = await brokerOf(optionsFor(url));
    const headers = { large: 'x'.repeat(70_000) };
    await expect(sink.publish([message('a', { headers })])).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('JetStream takes 64 KiB of headers: send fewer'),
    });
  });

  it('says what to raise where the stream takes less than the server', async () => {
    const options = optionsFor(url);
    const manager = await (await connectionTo(url)).jetstreamManager();
    const name = options.streams.interactions;
    const subjects = [`${options.subjectPrefix}.interactions.*`];
    await manager.streams.add({ name, subjects, max_msg_size: 1_000 });
    const { sink } = await brokerOf(options);
    await expect(sink.publish([message('a', { body: Buffer.alloc(1_001) })])).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(
        `has 1001 bytes and its headers, stream ${name} takes 1000 (max_msg_size): raise it there`,
      ),
    });
  });

  it('is an error when the stream is gone, and makes it again the next time', async () => {
    const options = optionsFor(url);
    const { sink } = await brokerOf(options);
    await sink.publish([message('a')]);
    const manager = await (await connectionTo(url)).jetstreamManager();
    const name = options.streams.interactions;
    await manager.streams.delete(name);
    await expect(sink.publish(messages(500))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(`stream ${name} is absent, has no leader, or JetStream is off`),
    });
    await sink.publish(messages(500));
    expect((await manager.streams.info(name)).state.messages).toBe(500);
  });

  it('is an error when another stream takes the message', async () => {
    const options = optionsFor(url);
    const { sink } = await brokerOf(options);
    await sink.publish([message('a')]);
    const manager = await (await connectionTo(url)).jetstreamManager();
    const name = options.streams.interactions;
    await manager.streams.delete(name);
    await manager.streams.add({
      name: `OTHER_${name}`,
      subjects: [`${options.subjectPrefix}.interactions.*`],
    });
    await expect(sink.publish([message('b')])).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringContaining(
        `stream OTHER_${name} takes ${options.subjectPrefix}.interactions.default`,
      ),
    });
  });
});
