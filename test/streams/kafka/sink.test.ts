import { expect, test } from 'vitest';
import { deadLetter } from '../../../src/events/dead-letter.js';
import type { SinkMessage } from '../../../src/ports.js';
import type { KafkaOptions } from '../../../src/streams/kafka/options.js';
import { describeWithServer } from '../../servers/describe.js';
import { GivenKafka, message, numbers, readMessages, readTexts, textOf } from './given.js';

describeWithServer('kafka', 'the Kafka sink', () => {
  const kafka = new GivenKafka();

  /** The keys of all messages of a topic. */
  async function keysOf(topic: string, count: number): Promise<(string | null)[]> {
    const keys: (string | null)[] = [];
    const consumer = kafka.client().consumer({ groupId: `keys-${topic}` });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message: { key } }) => {
          if (keys.push(key?.toString() ?? null) === count) resolve();
        },
      });
    });
    await consumer.disconnect();
    return keys;
  }

  async function published(options: KafkaOptions, ...messages: readonly SinkMessage[]) {
    const broker = await kafka.connect(options);
    await broker.sink.publish(messages);
    return broker;
  }

  test('gives each channel its key', async () => {
    const options = kafka.options({ partitions: 1 });
    const given = { tenant: 'red', key: 'k' };
    await published(
      options,
      message('1', given),
      message('2', { ...given, channel: 'commands' }),
      message('3', { ...given, channel: 'circuits' }),
      message('4', { ...given, channel: 'dead-letters' }),
    );
    const { interactions, commands, circuits, deadLetters } = options.topics;
    expect(await keysOf(interactions, 1)).toEqual(['k']);
    expect(await keysOf(commands, 1)).toEqual(['red/k']);
    expect(await keysOf(circuits, 1)).toEqual(['red/k']);
    expect(await keysOf(deadLetters, 1)).toEqual([null]);
  });

  test('passes headers and bytes on as they are', async () => {
    const headers = { 'content-type': 'application/cloudevents+json', 'dlq-detail': 'é' };
    const body = Uint8Array.from([0, 255, 1]);
    const broker = await published(
      kafka.options(),
      message('1', { channel: 'dead-letters', headers, body: body.subarray(1) }),
    );
    const source = await broker.follow('dead-letters', 'start');
    const [letter] = await readMessages(source, 1);
    expect(letter?.headers).toEqual(headers);
    expect([...(letter?.body ?? [])]).toEqual([255, 1]);
  });

  test('keeps what it is given for a key in order, also by several at once', async () => {
    const broker = await kafka.connect(kafka.options({ partitions: 4 }));
    const texts = numbers(0, 200);
    await Promise.all(
      texts.map((text) =>
        broker.sink.publish(
          ['a', 'b', 'c'].map((key) => message(`${key}${text}`, { channel: 'circuits', key })),
        ),
      ),
    );
    const read = await readTexts(await broker.follow('circuits', 'start'), 600);
    for (const key of ['a', 'b', 'c'])
      expect(read.filter((text) => text.startsWith(key))).toEqual(texts.map((text) => key + text));
  });

  test('splits what is too much for one request, in order', async () => {
    const body = (text: string) => Buffer.concat([Buffer.from(text.padEnd(4)), Buffer.alloc(100_000)]);
    const broker = await kafka.connect(kafka.options({ partitions: 1 }));
    const texts = numbers(0, 50);
    await broker.sink.publish(texts.map((text) => message(text, { body: body(text) })));
    const source = await broker.follow('interactions', 'start');
    const read = (await readMessages(source, 50)).map((one) => textOf(one).slice(0, 4).trim());
    expect(read).toEqual(texts);
  });

  test('sends messages one by one where a topic takes no batch of all', async () => {
    const options = kafka.options();
    const admin = await kafka.admin();
    await createLimited(options, '5000');
    const broker = await kafka.connect(options);
    const body = Buffer.alloc(3_000, 'x');
    await broker.sink.publish(numbers(0, 5).map((text) => message(text, { body })));
    expect(await admin.fetchTopicOffsets(options.topics.interactions)).toMatchObject([{ high: '5' }]);
  });

  test('names the message that a topic does not take, and both sizes', async () => {
    const options = kafka.options();
    await createLimited(options, '5000');
    const broker = await kafka.connect(options);
    const large = message('large', { body: Buffer.alloc(6_000, 'x') });
    await expect(broker.sink.publish([message('small'), large])).rejects.toMatchObject({
      code: 'mismatch',
      message:
        `Kafka topic ${options.topics.interactions} takes messages of at most 5000 bytes, and large has 6000 ` +
        'without its headers; raise max.message.bytes of the topic',
    });
    await broker.sink.publish([message('small')]);
  });

  test('cuts a dead letter to what its topic takes', async () => {
    const options = kafka.options();
    await createLimited(options, '5000', options.topics.deadLetters);
    const broker = await kafka.connect(options);
    const rejection = { reason: 'invalid_json', field: '', rule: 'must be JSON' } as const;
    const bodies = [Buffer.alloc(400_000, 'x'), Buffer.from('{')];
    const event = { tenant: null, receivedAt: 0, headerPrefix: 'ce_' } as const;
    const letters = bodies.map((body, sequence) => {
      const headers = { small: 'y', large: 'z'.repeat(6_000 * sequence) };
      return deadLetter(
        { ...event, body, headers, position: { source: 's', sequence } },
        'kafka',
        rejection,
        1,
      );
    });
    await broker.sink.publish(letters);
    const [large, headed] = await readMessages(await broker.follow('dead-letters', 'start'), 2);
    expect(large?.headers).toMatchObject({ small: 'y', 'dlq-original-length': '400000' });
    expect(large?.body.byteLength).toBeGreaterThan(3_000);
    expect(headed).toMatchObject({ body: bodies[1], headers: { small: 'y', 'dlq-headers-omitted': '1' } });
  });

  test('refuses what comes when it is closed', async () => {
    const broker = await published(kafka.options(), message('1'));
    await broker.close();
    await expect(broker.sink.publish([message('2')])).rejects.toMatchObject({ code: 'unavailable' });
  });

  async function createLimited(
    { topics }: KafkaOptions,
    bytes: string,
    name = topics.interactions,
  ): Promise<void> {
    const configEntries = [{ name: 'max.message.bytes', value: bytes }];
    const topic = { topic: name, numPartitions: 1, configEntries };
    await (await kafka.admin()).createTopics({ topics: [topic], waitForLeaders: true });
  }
});
