/**
 * The pipeline that one writes first in Node: kafkajs' eachMessage, one script call an event, kafkajs' own commits.
 * Runs until it is ended. Arguments: brokers, topic, group, Redis.
 */
import { Kafka, logLevel } from 'kafkajs';
import { NaiveStore, naiveEvent } from './store.js';

const [, , brokers = '', topic = '', groupId = '', redis = ''] = process.argv;
const store = await NaiveStore.open(redis);
const consumer = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).consumer({ groupId });
// A group whose member went away without a word cannot be deleted until its session has ended.
process.once('SIGTERM', () => void consumer.disconnect().finally(() => process.exit(0)));
await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachMessage: async ({ message }) => {
    if (message.value !== null) await store.apply(naiveEvent(message.value));
  },
});
