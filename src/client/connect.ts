/** The only file of the client that knows brokers and stores; each is loaded when it is used. */
import type { Broker, Probes } from '../ports.js';
import { BrokerWay } from './broker-way.js';
import { type CompleteOptions, completeOptions } from './complete-options.js';
import { closeOnExit } from './exit.js';
import { Fleet } from './fleet.js';
import { HttpClient } from './http.js';
import { HttpProbes, HttpWay } from './http-way.js';
import { LateWay } from './late-way.js';
import type { FleetOptions, ProbeRedisSettings } from './options.js';
import type { Way } from './way.js';

/**
 * Connects an agent to its fleet.
 *
 * Resolves when the server is there and its circuits are known; with `requireServer: false` at once, and connects in
 * the background. A connection that is lost later is tried again for ever. The connection keeps the process alive until
 * `close`.
 *
 * @throws FulcrumError `usage` or `config` for an option that cannot be used, `unavailable` when the server does not
 *   answer in time, `denied` when it refuses the credentials, `mismatch` when its streams are not as they have to be
 */
export async function connectFleet(options: FleetOptions): Promise<Fleet> {
  const complete = completeOptions(options);
  const { requireServer, connectWithinMs } = complete;
  const way = requireServer
    ? await openWay(complete)
    : new LateWay(() => openWay(complete), canProbe(complete), complete.onStatus);
  const fleet = new Fleet(way, complete);
  try {
    if (requireServer) await fleet.circuits.ready(connectWithinMs);
  } catch (error) {
    await fleet.close().catch(() => {});
    throw error;
  }
  if (complete.flushOnExit) closeOnExit(fleet);
  return fleet;
}

/** Whether there is somebody to say which call is the probe. */
function canProbe({ server, redis }: CompleteOptions): boolean {
  return redis !== null || server.kind !== 'kafka';
}

async function openWay(options: CompleteOptions): Promise<Way> {
  const redis = options.redis === null ? null : await openRedisProbes(options.redis, options);
  try {
    const way = await openServer(options, redis?.probes ?? null);
    return redis === null ? way : withRelease(way, redis.close);
  } catch (error) {
    redis?.close();
    throw error;
  }
}

async function openServer(options: CompleteOptions, probes: Probes | null): Promise<Way> {
  const { server, onStatus } = options;
  switch (server.kind) {
    case 'nats': {
      const { NatsBroker } = await import('../streams/nats/broker.js');
      const broker = await NatsBroker.connect(server.options, onStatus);
      return new BrokerWay(broker, options, probes ?? broker.probes);
    }
    case 'kafka': {
      const { KafkaBroker } = await import('../streams/kafka/broker.js');
      const broker: Broker = await KafkaBroker.connect(server.options, onStatus);
      return new BrokerWay(broker, options, probes);
    }
    case 'http': {
      const client = new HttpClient(server.options.url, server.options.headers);
      return new HttpWay(client, options, probes ?? new HttpProbes(client));
    }
  }
}

async function openRedisProbes(
  { url, prefix, ...tls }: ProbeRedisSettings,
  { onStatus }: CompleteOptions,
): Promise<{ readonly probes: Probes; readonly close: () => void }> {
  const { openProbeRedis } = await import('../store/redis/probes.js');
  const files = Object.fromEntries(Object.entries(tls).filter(([, file]) => file !== undefined));
  return openProbeRedis({
    connection: { url, tls: files },
    ...(prefix === undefined ? {} : { prefix }),
    onStatus,
  });
}

/** The same way, and what is let go after it. */
function withRelease(way: Way, release: () => void): Way {
  return {
    probes: way.probes,
    send: (batch) => way.send(batch),
    watch: (signal) => way.watch(signal),
    close: async () => {
      try {
        await way.close();
      } finally {
        release();
      }
    },
  };
}
