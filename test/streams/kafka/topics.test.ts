import type { Admin } from 'kafkajs';
import { expect, test } from 'vitest';
import type { Channel, Finding } from '../../../src/ports.js';
import { readTopicConfig } from '../../../src/streams/kafka/fitness.js';
import type { KafkaOptions } from '../../../src/streams/kafka/options.js';
import { topicOf } from '../../../src/streams/kafka/options.js';
import { describeWithServer } from '../../servers/describe.js';
import { GivenKafka, publishTexts, readTexts } from './given.js';

const everyChannel: readonly Channel[] = ['interactions', 'commands', 'circuits', 'dead-letters', 'analyses'];

const settingNames = [
  'cleanup.policy',
  'retention.ms',
  'message.timestamp.type',
  'min.compaction.lag.ms',
] as const;

async function settingsOf(admin: Admin, topic: string) {
  const config = await readTopicConfig(admin, topic);
  return Object.fromEntries(settingNames.map((name) => [name, config.get(name)]));
}

async function partitionCount(admin: Admin, topic: string): Promise<number> {
  return (await admin.fetchTopicOffsets(topic)).length;
}

function create(
  admin: Admin,
  topic: string,
  settings: Record<string, string> = {},
  numPartitions = 1,
): Promise<boolean> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  return admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: true });
}

describeWithServer('kafka', 'Kafka topics', () => {
  const kafka = new GivenKafka();

  test('that another process is just creating are waited for', async () => {
    const admin = await kafka.admin();
    for (let round = 0; round < 10; round++) {
      const options = kafka.options({ partitions: 8 });
      const [first, second] = [await kafka.connect(options), await kafka.connect(options)];
      const creating = first.follow('circuits', 'now');
      // The moment in which it is known and not served yet.
      for (let known = false; !known; ) {
        const { topics } = await admin.fetchTopicMetadata();
        known = topics.some(({ name }) => name === options.topics.circuits);
      }
      const sources = await Promise.all([creating, second.follow('circuits', 'now')]);
      expect(sources.map((source) => source.logs().length)).toEqual([8, 8]);
    }
  }, 60_000);

  test('are there before anything is published, when they are prepared', async () => {
    const options = kafka.options({ partitions: 3 });
    await (await kafka.connect(options)).prepare('circuits');
    const admin = await kafka.admin();
    const offsets = await admin.fetchTopicOffsets(options.topics.circuits);
    expect(offsets.map(({ high }) => high)).toEqual(['0', '0', '0']);
    expect(await settingsOf(admin, options.topics.circuits)).toMatchObject({ 'cleanup.policy': 'compact' });
  });

  test('that are absent are created, each with its settings', async () => {
    const options = kafka.options({ partitions: 3 });
    const broker = await kafka.connect(options);
    const admin = await kafka.admin();
    for (const channel of everyChannel) await (await broker.follow(channel, 'now')).close();
    const { interactions, commands, circuits, deadLetters, analyses } = options.topics;
    expect(await settingsOf(admin, interactions)).toEqual({
      'cleanup.policy': 'delete',
      'retention.ms': '604800000',
      'message.timestamp.type': 'LogAppendTime',
      'min.compaction.lag.ms': '0',
    });
    expect(await settingsOf(admin, commands)).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
      'message.timestamp.type': 'LogAppendTime',
    });
    expect(await settingsOf(admin, circuits)).toMatchObject({
      'cleanup.policy': 'compact',
      'min.compaction.lag.ms': '86400000',
    });
    expect(await settingsOf(admin, deadLetters)).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': '-1',
    });
    expect(await settingsOf(admin, analyses)).toMatchObject({
      'cleanup.policy': 'delete',
      'retention.ms': '2592000000',
    });
    const counts = [interactions, commands, circuits, deadLetters].map((topic) =>
      partitionCount(admin, topic),
    );
    expect(await Promise.all(counts)).toEqual([3, 1, 3, 3]);
  });

  test('that are there are never altered', async () => {
    const options = kafka.options();
    const admin = await kafka.admin();
    const odd = { 'cleanup.policy': 'delete', 'retention.ms': '120000' };
    for (const channel of everyChannel) await create(admin, topicOf(options.topics, channel), odd, 3);
    const broker = await kafka.connect(options);
    for (const channel of everyChannel) await publishTexts(broker, ['a'], channel);
    expect(await readTexts(await broker.consume('interactions'), 1)).toEqual(['a']);
    for (const channel of everyChannel) {
      const topic = topicOf(options.topics, channel);
      expect(await settingsOf(admin, topic)).toMatchObject(odd);
      expect(await partitionCount(admin, topic)).toBe(3);
    }
  });

  test('that two create at the same time are created once', async () => {
    const options = kafka.options();
    const brokers = [await kafka.connect(options), await kafka.connect(options)];
    await Promise.all(brokers.map((broker) => publishTexts(broker, ['a'])));
    expect(
      await readTexts(await (brokers[0] as (typeof brokers)[0]).follow('interactions', 'start'), 2),
    ).toEqual(['a', 'a']);
  });

  test('that lose interactions are not consumed', async () => {
    const options = kafka.options();
    const topic = options.topics.interactions;
    await create(await kafka.admin(), topic, { 'cleanup.policy': 'compact' });
    await expect((await kafka.connect(options)).consume('interactions')).rejects.toMatchObject({
      code: 'mismatch',
      message: `Kafka topic ${topic}: cleanup.policy is compact: events are lost before they are read; set cleanup.policy=delete`,
    });
  });

  test('that the broker does not want to create so are refused with its reason', async () => {
    const broker = await kafka.connect(kafka.options({ replicationFactor: 3 }));
    await expect(publishTexts(broker, ['a'])).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/^Kafka topic interactions-.* replication/i),
    });
  });

  async function check(options: KafkaOptions): Promise<(what: string) => Finding[]> {
    const findings = await (await kafka.connect(options)).check();
    return (what) => findings.filter((finding) => finding.what === what);
  }

  test('are absent for a check too, which creates none', async () => {
    const options = kafka.options();
    const found = await check(options);
    expect(found(`kafka ${options.brokers.join(', ')}`)).toMatchObject([
      { status: 'ok', detail: expect.stringMatching(/^cluster \S+ of 1 broker: 127\.0\.0\.1:\d+$/) },
    ]);
    for (const channel of everyChannel)
      expect(found(`kafka topic ${topicOf(options.topics, channel)}`)).toMatchObject([{ status: 'warning' }]);
    const admin = await kafka.admin();
    const topics = await admin.listTopics();
    expect(topics.filter((topic) => Object.values(options.topics).includes(topic))).toEqual([]);
  });

  test('are found right by a check when they are as they were created', async () => {
    const options = kafka.options();
    const broker = await kafka.connect(options);
    for (const channel of everyChannel) await publishTexts(broker, ['a', 'b'], channel);
    const source = await broker.consume('interactions');
    await readTexts(source, 2);
    await source.progress();
    const found = await check(options);
    for (const channel of everyChannel)
      expect(found(`kafka topic ${topicOf(options.topics, channel)}`)).toMatchObject([
        { status: 'ok', mend: '' },
      ]);
    expect(found(`kafka topic ${options.topics.interactions}`)[0]?.detail).toBe(
      '2 partitions, cleanup.policy=delete, retention.ms=604800000, ' +
        'message.timestamp.type=LogAppendTime, min.compaction.lag.ms=0',
    );
    expect(found(`kafka group ${options.groupId}`)).toMatchObject([
      { status: 'ok', detail: 'Stable, 1 member, 0 messages behind' },
    ]);
    expect(found(`kafka group ${options.groupId}-commands`)).toMatchObject([
      { status: 'ok', detail: expect.stringMatching(/, 0 members, 2 messages behind$/) },
    ]);
  });

  test('are named by a check with every setting that does harm', async () => {
    const options = kafka.options();
    const { interactions, commands, circuits, deadLetters } = options.topics;
    const admin = await kafka.admin();
    await create(admin, interactions, { 'retention.ms': '60000' });
    await create(admin, commands, { 'message.timestamp.type': 'LogAppendTime' });
    await create(admin, circuits, { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': '1000' });
    await create(admin, deadLetters, { 'cleanup.policy': 'compact' });
    const found = await check(options);
    const said = (topic: string) =>
      found(`kafka topic ${topic}`).map(({ status, mend }) => `${status}: ${mend}`);
    expect(said(interactions)).toEqual([
      'warning: set retention.ms=604800000',
      'warning: set message.timestamp.type=LogAppendTime',
    ]);
    expect(said(commands)).toEqual(['warning: set retention.ms=-1']);
    expect(said(circuits)).toEqual(['warning: set min.compaction.lag.ms=86400000']);
    expect(said(deadLetters)).toEqual(['bad: set cleanup.policy=delete', 'warning: set retention.ms=-1']);
  });

  test('are found to be others by a check when a group has read further than they go', async () => {
    const options = kafka.options({ partitions: 1 });
    const broker = await kafka.connect(options);
    await publishTexts(broker, ['a', 'b']);
    await commit(options, 9);
    const found = await check(options);
    expect(found(`kafka group ${options.groupId}`)).toMatchObject([
      {
        status: 'bad',
        detail: 'it has read partition 0 up to offset 9, and the topic ends at 2',
        mend: 'if the topic was deleted and created anew, raise kafka.epoch',
      },
    ]);
  });

  /** Leaves a group that has read partition 0 of the interactions up to an offset. */
  async function commit({ groupId, topics }: KafkaOptions, offset: number): Promise<void> {
    const consumer = kafka.client().consumer({ groupId, maxWaitTimeInMs: 100 });
    await consumer.subscribe({ topics: [topics.interactions] });
    await consumer.run({ autoCommit: false, eachMessage: async () => {} });
    // Or it would find out that there is no such offset.
    consumer.pause([{ topic: topics.interactions }]);
    await consumer.commitOffsets([{ topic: topics.interactions, partition: 0, offset: String(offset) }]);
    await consumer.disconnect();
  }
});
