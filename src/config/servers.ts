/** The parts of the config that speak of servers, as the adapters take them. */
import type { RedisStoreOptions } from '../store/redis/store.js';
import type { RedisTranscriptsOptions } from '../store/redis/transcripts.js';
import type { KafkaOptions } from '../streams/kafka/options.js';
import type { NatsOptions } from '../streams/nats/options.js';
import type { Config } from './schema.js';

export function natsOptions({ nats }: Pick<Config, 'nats'>): NatsOptions {
  const { caFile, certFile, keyFile, ...options } = nats;
  const tls = [caFile, certFile, keyFile].some((file) => file !== null);
  return { ...options, tls: tls ? { caFile, certFile, keyFile } : null };
}

export function kafkaOptions({ kafka }: Pick<Config, 'kafka'>): KafkaOptions {
  const { caFile, certFile, keyFile, tls, mechanism, username, password, ...options } = kafka;
  const files = [caFile, certFile, keyFile].some((file) => file !== null);
  return {
    ...options,
    tls: files ? { caFile, certFile, keyFile } : tls,
    sasl: username === null ? null : { mechanism, username, password: password ?? '' },
  };
}

export function redisOptions({ redis }: Config): RedisStoreOptions {
  const { url, prefix, shards, replaySpan, caFile, certFile, keyFile } = redis;
  return {
    url,
    prefix,
    replaySpan,
    ...(shards === null ? {} : { shards }),
    tls: {
      ...(caFile === null ? {} : { caFile }),
      ...(certFile === null ? {} : { certFile }),
      ...(keyFile === null ? {} : { keyFile }),
    },
  };
}

/** Null where transcripts are in a folder. Certificates are those of `redis`. */
export function redisTranscriptsOptions(
  config: Config,
): Omit<Required<RedisTranscriptsOptions>, 'clock' | 'onStatus'> | null {
  const { redisUrl: url, prefix, shards, folder: _, ...bounds } = config.analysis.transcripts;
  return url === null ? null : { url, tls: redisOptions(config).tls ?? {}, prefix, shards, bounds };
}
