import { connect } from 'nats';
import type { Channel } from '../../src/ports.js';
import { until } from '../servers/until.js';
import { streamOf } from './fleet.js';
import { type Foreign, Listening } from './foreign.js';

const decoder = new TextDecoder();

export async function natsForeign(url: string, fleet: string): Promise<Foreign> {
  const connection = await connect({ servers: url });
  const stream = connection.jetstream();
  const manager = await connection.jetstreamManager();
  const closing: (() => unknown)[] = [];
  const nameOf = (channel: Channel): string => `${fleet}_${streamOf(channel)}`;
  return {
    send: async (channel, { tenant, pairId }, ...bodies) => {
      const subject = `${fleet}.${channel}.${tenant}`;
      for (const body of bodies)
        await stream.publish(channel === 'interactions' ? subject : `${subject}.${pairId}`, body);
    },
    listen: async (channel) => {
      const listening = new Listening();
      const there = () => manager.streams.info(nameOf(channel));
      await until(`stream ${nameOf(channel)} is there`, there);
      const consumer = await stream.consumers.get(nameOf(channel));
      const messages = await consumer.consume({
        callback: ({ subject, headers, data }) =>
          listening.add({
            address: subject,
            headers: Object.fromEntries([...(headers ?? [])].map(([name, values]) => [name, values.join()])),
            body: decoder.decode(data),
          }),
      });
      closing.push(() => messages.close());
      return listening;
    },
    unacknowledged: async (channel) => {
      const { num_pending, num_ack_pending } = await manager.consumers.info(
        nameOf(channel),
        'fulcrum-analyser',
      );
      return num_pending + num_ack_pending;
    },
    close: async () => {
      for (const close of closing) await close();
      await connection.close();
    },
  };
}
