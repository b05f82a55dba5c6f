import { connect, type NatsConnection } from 'nats';
import { NatsBroker } from '#dist/streams/nats/broker.js';
import { defaultNatsOptions } from '#dist/streams/nats/options.js';
import { startNats } from '../../test/servers/nats.js';
import { betweenMs, eventBody } from '../events.js';
import { listen } from './listen.js';
import type { FilledLog, LiveLog, NaivePipeline } from './log.js';

const stream = defaultNatsOptions.streams.interactions;
const subject = `${defaultNatsOptions.subjectPrefix}.interactions.default`;

/** Messages under way to the server while the stream is filled. */
const fillInFlight = 2_000;

/** Starts nats-server and fills a stream that our own broker has made: file storage, the settings of production. */
export async function filledNats(events: number, pairs: number): Promise<FilledLog> {
  const server = await startNats({ own: true });
  await makeStream(server.url);
  const connection = await connect({ servers: server.url });
  await fill(connection, events, pairs);
  const { consumers } = await connection.jetstreamManager();
  return {
    system: 'nats',
    server,
    address: server.url,
    events,
    pairs,
    settings: (reader) => ['--set', `nats.durable=${reader}`],
    naives: [naive('naive', server.url, 1), naive('naive-256', server.url, 256)],
    acknowledged: async (reader) => (await consumers.info(stream, reader)).ack_floor.stream_seq,
    forget: async (reader) => void (await consumers.delete(stream, reader)),
    close: async () => {
      await connection.close();
      await server.stop();
    },
  };
}

/** Starts nats-server with an empty stream. */
export async function liveNats(): Promise<LiveLog> {
  const server = await startNats({ own: true });
  await makeStream(server.url);
  const options = { ...defaultNatsOptions, servers: [server.url] };
  const connection = await connect({ servers: server.url });
  const listener = await NatsBroker.connect(options);
  return {
    system: 'nats',
    server,
    address: server.url,
    // Nobody waits for an answer: what was not taken has no circuit event, and is missed.
    send: (bodies) => {
      for (const { body } of bodies) connection.publish(subject, body);
    },
    onCircuit: async (heard) => listen(await listener.follow('circuits', 'now'), heard),
    close: async () => {
      await listener.close();
      await connection.close();
      await server.stop();
    },
  };
}

function naive(name: string, servers: string, inFlight: number): NaivePipeline {
  return {
    name,
    what: `iterator, one EVALSHA and one ack an event, ${inFlight} under way`,
    file: 'nats.js',
    args: (reader, redis) => [servers, stream, reader, redis, String(inFlight)],
  };
}

async function makeStream(url: string): Promise<void> {
  const broker = await NatsBroker.connect({ ...defaultNatsOptions, servers: [url] });
  await broker.consume('interactions');
  await broker.close();
}

async function fill(connection: NatsConnection, events: number, pairs: number): Promise<void> {
  const jetStream = connection.jetstream();
  const startMs = Date.now() - betweenMs * events;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < events) await jetStream.publish(subject, eventBody(next++, pairs, startMs));
  };
  await Promise.all(Array.from({ length: fillInFlight }, lane));
}
