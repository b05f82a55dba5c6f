import type { Channel, ReadChannel, Readers } from '../../ports.js';

/** Told in one line what happens to a connection. */
export type StatusListener = (line: string, level: 'info' | 'warn' | 'error') => void;

export interface KafkaTls {
  /** PEM file of the authorities to trust; null: those that Node trusts. */
  readonly caFile: string | null;
  /** PEM files of the client's own certificate and key; null: it shows none. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface KafkaTopics {
  readonly interactions: string;
  readonly commands: string;
  readonly circuits: string;
  readonly deadLetters: string;
  readonly analyses: string;
}

export interface KafkaOptions {
  /** Some of the brokers, as `host:port`; the others are learnt from them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Processors of one group share the interactions. Commands are read by a group of `<groupId>-commands`. */
  readonly groupId: string;
  /** The same of analysers, with `-circuits` and `-analyses` behind it for what else they read. */
  readonly analyserGroupId: string;
  readonly tls: KafkaTls | boolean;
  readonly sasl: KafkaSasl | null;
  readonly topics: KafkaTopics;
  /** Partitions of a topic that is created; the commands have one. */
  readonly partitions: number;
  /** Replicas of a topic that is created; -1 leaves it to the broker. */
  readonly replicationFactor: number;
  /** Part of every position. Raise it when a topic was deleted and created anew, for its offsets begin again. */
  readonly epoch: number;
  /** After this long without a sign, in ms, the group gives a processor's partitions to the others. */
  readonly sessionTimeoutMs: number;
  /** Age limit of a topic of interactions that is created, in ms. */
  readonly retentionMs: number;
}

export const defaultKafkaOptions: KafkaOptions = {
  brokers: ['127.0.0.1:9092'],
  clientId: 'fulcrum-trust',
  groupId: 'fulcrum-processor',
  analyserGroupId: 'fulcrum-analyser',
  tls: false,
  sasl: null,
  topics: {
    interactions: 'fulcrum.trust.interactions',
    commands: 'fulcrum.trust.commands',
    circuits: 'fulcrum.trust.circuits',
    deadLetters: 'fulcrum.trust.dead-letters',
    analyses: 'fulcrum.trust.analyses',
  },
  partitions: 8,
  replicationFactor: -1,
  epoch: 0,
  sessionTimeoutMs: 30_000,
  retentionMs: 7 * 24 * 3_600_000,
};

export function topicOf(topics: KafkaTopics, channel: Channel): string {
  return channel === 'dead-letters' ? topics.deadLetters : topics[channel];
}

/** The consumer group of some readers on a channel. kafkajs cannot hold two topics apart within one group. */
export function groupOf(options: KafkaOptions, channel: ReadChannel, by: Readers = 'processors'): string {
  const groupId = by === 'processors' ? options.groupId : options.analyserGroupId;
  return channel === 'interactions' ? groupId : `${groupId}-${channel}`;
}

/** What positions call a partition. */
export function sourceOf(options: KafkaOptions, topic: string, partition: number): string {
  return `${topic}/${partition}@${options.epoch}`;
}
