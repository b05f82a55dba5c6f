/**
 * Loaded into a processor before the built command line (`node --import`): lets the driver end or freeze it at a named
 * point of its work, and takes one of its guarantees away where `CHAOS_WITHOUT` names it. What is patched are the
 * opened parts; the code under test knows nothing of this.
 */
import { RedisStore } from '../../dist/store/redis/store.js';
import { KafkaBroker } from '../../dist/streams/kafka/broker.js';
import { NatsBroker } from '../../dist/streams/nats/broker.js';

const without = process.env.CHAOS_WITHOUT ?? '';

/** What to do where: `{ point, signal, skip }`; null: nothing. */
let order = null;
process.on('message', (message) => {
  order = message.order;
});
// The driver is gone: so is its processor. While it is there, it does not keep the process.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.channel?.unref();

function reach(point) {
  if (order === null || order.point !== point || order.skip-- > 0) return;
  const { signal } = order;
  order = null;
  process.send?.({ reached: point });
  process.kill(process.pid, signal);
}

/** The same work, with a point before and one after it. */
function around(name, owner, method) {
  const work = owner[method].bind(owner);
  return async (...args) => {
    reach(`before-${name}`);
    const result = await work(...args);
    reach(`after-${name}`);
    return result;
  };
}

const open = RedisStore.open.bind(RedisStore);
RedisStore.open = async (options) => {
  const store = await open(options);
  if (without === 'positions') forgetPositions(store);
  if (without === 'replay') forgetLostTails(store);
  store.apply = around('apply', store, 'apply');
  store.outbox.remove = around('delete', store.outbox, 'remove');
  return store;
};

/** Where an event lies is not told: one that is delivered again is taken for another. */
function forgetPositions(store) {
  const apply = store.apply.bind(store);
  store.apply = (batch) =>
    apply({ ...batch, events: batch.events.map((event) => ({ ...event, position: null })) });
}

/** Goes on after a restart that lost writes as if it had lost none. */
function forgetLostTails(store) {
  const mark = store.mark.bind(store);
  store.mark = async (marks) => {
    const tail = await mark(marks);
    if (tail !== null) await store.adopt(tail);
    return null;
  };
}

for (const Broker of [NatsBroker, KafkaBroker]) {
  const connect = Broker.connect.bind(Broker);
  Broker.connect = async (...args) => {
    const broker = await connect(...args);
    const { sink } = broker;
    const publish = sink.publish.bind(sink);
    const publishCircuits = around('publish', { publish }, 'publish');
    sink.publish = (messages) =>
      messages[0]?.channel === 'circuits' ? publishCircuits(messages) : publish(messages);
    const consume = broker.consume.bind(broker);
    broker.consume = async (channel) => {
      const source = await consume(channel);
      const read = source.read.bind(source);
      source.read = async (...wanted) => {
        const batch = await read(...wanted);
        if (batch === null || batch.messages.length === 0) return batch;
        return { messages: batch.messages, ack: around('acknowledge', batch, 'ack') };
      };
      return source;
    };
    return broker;
  };
}
