/** Opens what the config names: brokers and the Redis store. What is not opened is not loaded. */
import { kafkaOptions, natsOptions, redisOptions } from '../config/servers.js';
import type { Config } from '../config.js';
import type { Broker } from '../ports.js';
import type { RedisStore } from '../store/redis/store.js';

export const brokerKinds = ['nats', 'kafka'] as const;

export type BrokerKind = (typeof brokerKinds)[number];

/** Told in one line what happens to a connection. */
export type StatusListener = (line: string, level: 'info' | 'warn' | 'error') => void;

export async function connectBroker(
  kind: BrokerKind,
  config: Config,
  onStatus: StatusListener,
): Promise<Broker> {
  if (kind === 'nats') {
    const { NatsBroker } = await import('../streams/nats/broker.js');
    return NatsBroker.connect(natsOptions(config), onStatus);
  }
  const { KafkaBroker } = await import('../streams/kafka/broker.js');
  return KafkaBroker.connect(kafkaOptions(config), onStatus);
}

export async function openRedis(
  config: Config,
  onStatus: StatusListener,
  create: boolean,
): Promise<RedisStore> {
  const { RedisStore } = await import('../store/redis/store.js');
  return RedisStore.open({ ...redisOptions(config), create, onStatus });
}

/** Opens the place of a state that is to be made anew. @throws FulcrumError `mismatch` when there is one */
export async function openRedisToRebuild(config: Config, onStatus: StatusListener): Promise<RedisStore> {
  const { RedisStore } = await import('../store/redis/store.js');
  return RedisStore.open({ ...redisOptions(config), rebuilds: true, onStatus });
}

/** Whether anything was acknowledged before, by whomever: then there has to be state of it. */
export async function isBegun(broker: Pick<Broker, 'standing'>): Promise<boolean> {
  const standing = [await broker.standing('interactions'), await broker.standing('commands')];
  return standing.flat().some(({ acknowledged }) => acknowledged > 0);
}
