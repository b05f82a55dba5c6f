/**
 * The pipeline that one writes first in Node: the client's iterator, one script call an event, one acknowledgement an
 * event; each event after the other, or so many under way. Runs until it is ended.
 * Arguments: NATS, stream, durable, Redis, events under way.
 */
import { AckPolicy, connect } from 'nats';
import { InFlight } from './in-flight.js';
import { NaiveStore, naiveEvent } from './store.js';

const [, , servers = '', stream = '', durable = '', redis = '', most = '1'] = process.argv;
process.once('SIGTERM', () => process.exit(0));
const connection = await connect({ servers });
const manager = await connection.jetstreamManager();
await manager.consumers.add(stream, {
  durable_name: durable,
  ack_policy: AckPolicy.Explicit,
  max_ack_pending: 20_000,
});
const consumer = await connection.jetstream().consumers.get(stream, durable);
const store = await NaiveStore.open(redis);
const inFlight = new InFlight(Number(most));
for await (const message of await consumer.consume({ max_messages: 1_000 }))
  await inFlight.add(store.apply(naiveEvent(message.data)).then(() => message.ack()));
