import { randomUUID } from 'node:crypto';
import { connectFleet } from 'fulcrum-trust/client';
import { connect, type JetStreamClient } from 'nats';
import { NatsBroker } from '#dist/streams/nats/broker.js';
import { defaultNatsOptions } from '#dist/streams/nats/options.js';
import { startNats } from '../../test/servers/nats.js';
import { eventBody } from '../events.js';
import { rate, type Spread, spreadOf } from '../measure/spread.js';
import type { Result } from '../result.js';
import { agentA, agentB } from './fleet.js';

const stream = defaultNatsOptions.streams.interactions;
const subject = `${defaultNatsOptions.subjectPrefix}.interactions.default`;
/** Messages of the bare client whose acknowledgement is awaited: more of them are no faster. */
const inFlight = 1_000;

/** Reports until JetStream has acknowledged all of them, beside the bare client; each in turn, in a stream that is emptied. */
export async function benchPublish(
  runs: number,
  events: number,
): Promise<{ readonly server: string; readonly results: readonly Result[] }> {
  const server = await startNats({ own: true });
  // Made as a processor makes it: file storage, duplicates told within two minutes.
  const broker = await NatsBroker.connect({ ...defaultNatsOptions, servers: [server.url] });
  await (await broker.consume('interactions')).close();
  await broker.close();
  const connection = await connect({ servers: server.url });
  const { streams } = await connection.jetstreamManager();
  const contenders: Readonly<Record<'ours' | 'bare' | 'withId', () => Promise<number>>> = {
    ours: () => reported(server.url, events),
    bare: () => published(connection.jetstream(), events, false),
    withId: () => published(connection.jetstream(), events, true),
  };
  const rates: Record<keyof typeof contenders, number[]> = { ours: [], bare: [], withId: [] };
  // The first round warms up.
  for (let round = 0; round <= runs; round++)
    for (const name of ['ours', 'bare', 'withId'] as const) {
      const measured = await rate(contenders[name]);
      const { state } = await streams.info(stream);
      if (state.messages !== events)
        throw new Error(`${name}: ${state.messages} of ${events} are in the stream`);
      await streams.purge(stream);
      if (round > 0) rates[name].push(measured);
    }
  await connection.close();
  await server.stop();
  const beside = (name: string, { median }: Spread) => ({ name, rate: median });
  const common = { name: 'report to JetStream, acknowledged', unit: 'events/s', ours: spreadOf(rates.ours) };
  const bare = `nats.js publish of the same events, ${inFlight} under way`;
  return {
    server: server.version,
    results: [
      { ...common, beside: beside(`${bare}, without ids`, spreadOf(rates.bare)) },
      { ...common, beside: beside(`${bare}, each with an id`, spreadOf(rates.withId)) },
    ],
  };
}

async function reported(url: string, events: number): Promise<number> {
  const fleet = await connectFleet({ nats: url, whenStale: 'failOpen', flushOnExit: false });
  for (let i = 0; i < events; i++) {
    const pair = i % agentA.length;
    await fleet.report(agentA[pair] ?? '', agentB[pair] ?? '', i % 10 < 3 ? 'failure' : 'success');
  }
  await fleet.flush();
  await fleet.close();
  return events;
}

/** The events are made as they are sent, as ours are. */
async function published(jetStream: JetStreamClient, events: number, withId: boolean): Promise<number> {
  const run = randomUUID();
  const startMs = Date.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < events) {
      const event = next++;
      const options = withId ? { msgID: `${run}-${event}` } : {};
      await jetStream.publish(subject, eventBody(event, agentA.length, startMs), options);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return events;
}
