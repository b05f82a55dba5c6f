import type { Admin, ITopicConfig } from 'kafkajs';
import type { Channel } from '../../ports.js';
import { isAppearing, kafkaError } from './errors.js';
import { type KafkaOptions, topicOf } from './options.js';
import { patiently } from './waiting.js';

/** How long a compacted topic keeps every record, in ms. */
export const compactionLagMs = 24 * 3_600_000;

/** How long requests for analyses and their results are kept, in ms: by then what they rest on is gone. */
const analysesRetentionMs = 30 * 24 * 3_600_000;

/** How long a new topic may take until all of it is served, in ms. */
const appearingMs = 10_000;

/** The settings that a topic of ours is created with, as the broker names them. */
export function topicSettings(options: KafkaOptions, channel: Channel): Readonly<Record<string, string>> {
  switch (channel) {
    case 'interactions':
      return {
        'cleanup.policy': 'delete',
        'retention.ms': String(options.retentionMs),
        'message.timestamp.type': 'LogAppendTime',
      };
    case 'commands':
      // The broker's stamp is what a time in the future is told by.
      return { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'message.timestamp.type': 'LogAppendTime' };
    case 'circuits':
      return { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': String(compactionLagMs) };
    case 'analyses':
      return { 'cleanup.policy': 'delete', 'retention.ms': String(analysesRetentionMs) };
    case 'dead-letters':
      return { 'cleanup.policy': 'delete', 'retention.ms': '-1' };
  }
}

/**
 * Creates a channel's topic when it is absent, and leaves one that is there as it is.
 *
 * @returns how many partitions it has
 * @throws FulcrumError `denied` or `refused` when it may not be created, `unavailable`
 */
export async function ensureTopic(admin: Admin, options: KafkaOptions, channel: Channel): Promise<number> {
  const topic = topicOf(options.topics, channel);
  try {
    if ((await partitionsOf(admin, topic)) === 0) {
      const create = () => admin.createTopics({ topics: [newTopic(options, channel)], waitForLeaders: true });
      await patiently(appearingMs, create, isAppearing);
    }
    // Another process may have created it this moment. What is published to some partitions that are served and some
    // that are not yet is sent again as a whole, and would be there twice.
    await patiently(appearingMs, () => admin.fetchTopicOffsets(topic), isAppearing);
    return await partitionsOf(admin, topic);
  } catch (error) {
    throw kafkaError(`Kafka topic ${topic} can be neither found nor created`, error);
  }
}

/** How many partitions a topic has, 0 when there is none of that name. Asking for it alone could create it. */
export async function partitionsOf(admin: Admin, topic: string): Promise<number> {
  const { topics } = await admin.fetchTopicMetadata();
  return topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
}

function newTopic(options: KafkaOptions, channel: Channel): ITopicConfig {
  return {
    topic: topicOf(options.topics, channel),
    numPartitions: partitionsOfNew(options, channel),
    replicationFactor: options.replicationFactor,
    configEntries: Object.entries(topicSettings(options, channel)).map(([name, value]) => ({ name, value })),
  };
}

/** Commands are few; one partition keeps all of them in the order in which the operators gave them. */
function partitionsOfNew(options: KafkaOptions, channel: Channel): number {
  return channel === 'commands' ? 1 : options.partitions;
}
