import kafkajs, { type Admin } from 'kafkajs';
import { FulcrumError } from '../../errors.js';
import type { Channel } from '../../ports.js';
import { kafkaError } from './errors.js';
import { type KafkaOptions, topicOf } from './options.js';
import { topicSettings } from './topics.js';

/** The settings of a topic that are there, as the broker names them. */
export type TopicConfig = ReadonlyMap<string, string>;

/** One setting that is not as it has to be. */
export interface Misfit {
  /** `bad`: events are lost by it. */
  readonly status: 'warning' | 'bad';
  readonly detail: string;
  readonly mend: string;
}

export async function readTopicConfig(admin: Admin, topic: string): Promise<TopicConfig> {
  const { resources } = await admin.describeConfigs({
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    includeSynonyms: false,
  });
  return new Map(
    resources.flatMap(({ configEntries }) =>
      configEntries.map(({ configName, configValue }) => [configName, configValue] as const),
    ),
  );
}

/** Compares a topic with what it would have been created with. */
export function misfitsOf(options: KafkaOptions, channel: Channel, config: TopicConfig): readonly Misfit[] {
  const wanted = topicSettings(options, channel);
  return Object.entries(wanted).flatMap(([name, value]) => {
    const found = config.get(name);
    if (found === undefined || isFit(name, found, value)) return [];
    return [
      {
        status: name === 'cleanup.policy' ? 'bad' : 'warning',
        detail: `${name} is ${found}: ${consequence(channel, name)}`,
        mend: `set ${name}=${value}`,
      },
    ];
  });
}

function isFit(name: string, found: string, wanted: string): boolean {
  switch (name) {
    case 'retention.ms':
      return Number(found) === -1 || (wanted !== '-1' && Number(found) >= Number(wanted));
    case 'min.compaction.lag.ms':
      return Number(found) >= Number(wanted);
    default:
      return found === wanted;
  }
}

function consequence(channel: Channel, name: string): string {
  switch (name) {
    case 'message.timestamp.type':
      return "the stamps are the producers', so an event of a wrong clock is not told by them";
    case 'retention.ms':
      return channel === 'commands'
        ? 'a rebuild does not find the commands that are older'
        : 'events that are older are not there to be read again';
    case 'min.compaction.lag.ms':
      return 'a reader who is away for a while misses transitions';
    default:
      return channel === 'circuits'
        ? 'the circuits of pairs that are quiet for long are forgotten'
        : 'events are lost before they are read';
  }
}

/**
 * @throws FulcrumError `mismatch` when events of the topic are lost by how it is set up. Where its settings may not
 *   be read, it passes.
 */
export async function refuseUnfit(admin: Admin, options: KafkaOptions, channel: Channel): Promise<void> {
  const topic = topicOf(options.topics, channel);
  const config = await readTopicConfig(admin, topic).catch((cause: unknown) => {
    const error = kafkaError(`the settings of Kafka topic ${topic} cannot be read`, cause);
    if (error.code === 'denied') return new Map<string, string>();
    throw error;
  });
  const bad = misfitsOf(options, channel, config).find(({ status }) => status === 'bad');
  if (bad !== undefined)
    throw new FulcrumError('mismatch', `Kafka topic ${topic}: ${bad.detail}; ${bad.mend}`);
}
