import { expect, onTestFinished, test } from 'vitest';
import { clientMaker } from '../../../src/streams/kafka/client.js';
import { describeWithServer } from '../../servers/describe.js';
import { GivenKafka } from './given.js';

describeWithServer('kafka', 'a Kafka client that is closed', () => {
  const kafka = new GivenKafka();

  test('is cut off, and connects to nobody any more', async () => {
    const makeClient = await clientMaker(kafka.options(), () => {});
    const client = makeClient({ retries: 1, initialRetryTime: 10 });
    const admin = client.kafka.admin();
    onTestFinished(() => admin.disconnect());
    await admin.connect();
    client.destroy();
    await expect(admin.listTopics()).rejects.toThrow('the client is closed');
    await expect(client.kafka.admin().connect()).rejects.toThrow('the client is closed');
  });
});
