import { setTimeout as pause } from 'node:timers/promises';
import {
  connect,
  headers,
  type JetStreamManager,
  type JsMsg,
  type NatsConnection,
  NatsError,
  nanos,
} from 'nats';
import type { Channel } from '../../src/ports.js';
import { startNats } from '../servers/nats.js';
import { type ChaosBroker, channels, type LogRecord } from './broker.js';
import type { Sent } from './load.js';

const streams: Record<Channel, string> = {
  interactions: 'FULCRUM_INTERACTIONS',
  commands: 'FULCRUM_COMMANDS',
  circuits: 'FULCRUM_CIRCUITS',
  'dead-letters': 'FULCRUM_DEAD_LETTERS',
  analyses: 'FULCRUM_ANALYSES',
};
const consumer = 'fulcrum-processor';
const answerMs = 2_000;
const readAtATime = 2_000;

/** @param ackWaitSeconds after which processors are taken for dead */
export async function startChaosNats(ackWaitSeconds: number): Promise<ChaosBroker> {
  const server = await startNats({ own: true });
  const options = {
    servers: server.url,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    waitOnFirstConnect: true,
  };
  const connection = await connect(options);
  const manager = await connection.jetstreamManager();
  // By default a pair's last 16 circuit events are kept; the verifier wants to see all of them.
  await manager.streams.add({
    name: streams.circuits,
    subjects: ['fulcrum.trust.circuits.>'],
    allow_direct: true,
  });
  return {
    source: 'nats',
    server,
    args: ['--source', 'nats', '--nats', server.url, '--set', `nats.ackWaitSeconds=${ackWaitSeconds}`],
    publish: (batch) => publish(connection, batch),
    lag: () => lag(manager),
    read: reader(connection, manager),
    close: async () => {
      await connection.close();
      await server.stop();
    },
  };
}

async function publish(connection: NatsConnection, batch: readonly Sent[]): Promise<void> {
  const stream = connection.jetstream();
  const send = async ({ channel, tenant, body, headers: given, sendId }: Sent): Promise<void> => {
    const made = headers();
    for (const [name, value] of Object.entries(given)) made.set(name, value);
    for (;;)
      try {
        const subject = `fulcrum.trust.${channel}.${tenant}`;
        await stream.publish(subject, body, { msgID: sendId, headers: made, timeout: answerMs });
        return;
      } catch {
        await pause(100);
      }
  };
  await Promise.all(batch.map(send));
}

async function lag(manager: JetStreamManager): Promise<number> {
  let open = 0;
  for (const channel of ['interactions', 'commands'] as const) {
    const info = await manager.consumers.info(streams[channel], consumer);
    open += info.num_pending + info.num_ack_pending;
  }
  return open;
}

function reader(connection: NatsConnection, manager: JetStreamManager): ChaosBroker['read'] {
  const positions = new Map(channels.map((channel) => [channel, 0]));
  const readOf = async function* (channel: Channel): AsyncGenerator<LogRecord> {
    const stream = streams[channel];
    const last = await lastOf(manager, stream);
    let position = positions.get(channel) ?? 0;
    while (position < last) {
      const ordered = await connection.jetstream().consumers.get(stream, { opt_start_seq: position + 1 });
      const wanted = Math.min(readAtATime, last - position);
      const messages = await ordered.fetch({ max_messages: wanted, expires: answerMs });
      for await (const message of messages) {
        // The fetch may go on behind the end that was asked for.
        if (message.seq <= position) continue;
        position = message.seq;
        positions.set(channel, position);
        yield recordOf(channel, message);
        if (position >= last) break;
      }
      await ordered.delete().catch(() => {});
    }
  };
  return async function* () {
    for (const channel of channels) yield* readOf(channel);
  };
}

/** Sequence of a stream's last message; 0 where there is no stream: that of dead letters is made with the first of them. */
async function lastOf(manager: JetStreamManager, stream: string): Promise<number> {
  try {
    return (await manager.streams.info(stream)).state.last_seq;
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.code === 404) return 0;
    throw error;
  }
}

function recordOf(channel: Channel, { seq, subject, info, headers: given, data }: JsMsg): LogRecord {
  const named = [...(given ?? [])].map(
    ([name, values]) => [name.toLowerCase(), values.at(-1) ?? ''] as const,
  );
  return {
    channel,
    log: info.stream,
    position: seq,
    tenant: subject.split('.')[3] ?? null,
    receivedAt: info.timestampNanos / nanos(1_000),
    headers: Object.fromEntries(named),
    body: data,
  };
}
