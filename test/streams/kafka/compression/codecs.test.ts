import zlib from 'node:zlib';
import { expect, test } from 'vitest';
import type { LogSource } from '../../../../src/ports.js';
import { hasZstd } from '../../../../src/streams/kafka/compression/codecs.js';
import type { KafkaOptions } from '../../../../src/streams/kafka/options.js';
import { describeWithServer } from '../../../servers/describe.js';
import { until } from '../../../servers/until.js';
import { GivenKafka, message, readMessages } from '../given.js';

/** Texts that have runs, repeats near and far, and what does not repeat. */
const texts = Array.from({ length: 400 }, (_, i) => {
  const unlike = Array.from({ length: 20 }, (_, j) => ((i * 7_919 + j * 104_729) % 65_521).toString(36));
  return `${i} ${'x'.repeat(i)} ${unlike.join('')} ${JSON.stringify({ agent_a: 'planner', agent_b: 'coder' })}`;
});

describeWithServer('kafka', 'messages that were compressed', () => {
  const kafka = new GivenKafka();

  /** A topic whose broker compresses what it is given. */
  async function sourceOf(options: KafkaOptions, codec: string): Promise<LogSource> {
    const broker = await kafka.connect(options);
    const admin = await kafka.admin();
    const topic = options.topics.interactions;
    const configEntries = [{ name: 'compression.type', value: codec }];
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] });
    await broker.sink.publish(texts.map((text, i) => message(String(i), { body: Buffer.from(text) })));
    return broker.consume('interactions');
  }

  test.each(['gzip', 'lz4', 'snappy', ...(hasZstd(zlib) ? ['zstd'] : [])])(
    'with %s are read',
    async (codec) => {
      const source = await sourceOf(kafka.options(), codec);
      const messages = await readMessages(source, texts.length);
      expect(messages.map(({ body }) => Buffer.from(body).toString())).toEqual(texts);
    },
  );

  test.skipIf(hasZstd(zlib))('with zstd are refused by a Node that does not know it', async () => {
    const options = kafka.options();
    const source = await sourceOf(options, 'zstd');
    const error = await until('reading fails', () =>
      source.read(1, 100).then(
        () => false,
        (cause: unknown) => cause,
      ),
    );
    expect(error).toMatchObject({
      code: 'mismatch',
      message:
        `kafka:${options.topics.interactions} cannot be read: ZSTD compression not implemented; run Node 22.15 or ` +
        'later, and set compression.type=uncompressed of the topic for what is yet to come',
    });
  });
});
