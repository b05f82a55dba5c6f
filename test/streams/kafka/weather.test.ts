import { expect, onTestFinished, test } from 'vitest';
import { KafkaBroker } from '../../../src/streams/kafka/broker.js';
import { defaultKafkaOptions } from '../../../src/streams/kafka/options.js';
import { describeWithServer } from '../../servers/describe.js';
import { freePort } from '../../servers/loopback.js';
import { until } from '../../servers/until.js';
import { GivenKafka, nextBatch, numbers, publishTexts, readTexts, sorted, textOf } from './given.js';

const sessionTimeoutMs = 3_000;

/** What was read, and acknowledged, while the broker comes and goes. */
async function readThrough(
  source: Awaited<ReturnType<KafkaBroker['consume']>>,
  texts: Set<string>,
  size: number,
) {
  while (texts.size < size) {
    try {
      const batch = await nextBatch(source, 50);
      for (const one of batch.messages) texts.add(textOf(one));
      await batch.ack();
    } catch (error) {
      expect(error).toMatchObject({ code: 'unavailable' });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describeWithServer(
  'kafka',
  'a Kafka broker that goes away',
  () => {
    const kafka = new GivenKafka();

    test('is waited for by those who read, who go on where they were', async () => {
      const options = kafka.options({ sessionTimeoutMs });
      const broker = await kafka.connect(options);
      await publishTexts(broker, numbers(0, 200), 'interactions');
      const source = await broker.consume('interactions');
      const follower = await broker.follow('interactions', 'start');
      const followed = await readTexts(follower, 200);
      const read = new Set(await readTexts(source, 100, 50));
      const held = await nextBatch(source, 50);
      await kafka.server.kill();
      await until('reading fails', () =>
        source.read(1, 100).then(
          () => false,
          (error: unknown) => expect(error).toMatchObject({ code: 'unavailable' }) ?? true,
        ),
      );
      // What was handed out will come again: there is nobody to tell that it was read.
      await held.ack();
      expect(await source.progress()).toEqual([]);
      expect(await follower.progress()).toEqual([]);
      await Promise.all([
        expect(publishTexts(broker, ['lost'])).rejects.toMatchObject({ code: 'unavailable' }),
        expect(broker.check()).resolves.toMatchObject([
          { status: 'bad', mend: 'check that Kafka runs and can be reached there' },
        ]),
      ]);
      await kafka.server.restart();
      await publishing(broker, numbers(200, 300));
      await readThrough(source, read, 300);
      expect(sorted(read)).toEqual(numbers(0, 300));
      expect(sorted([...followed, ...(await readTexts(follower, 100))])).toEqual(numbers(0, 300));
      await until('it speaks of its partitions again', async () => (await source.progress()).length === 2);
      expect(source.restarts).toBeGreaterThan(0);
      const { interactions } = options.topics;
      // One line for the consumer and one for the follower, however often they tried.
      expect(kafka.lines.filter((line) => line.endsWith('trying again'))).toHaveLength(2);
      expect(kafka.lines.filter((line) => line === `kafka:${interactions}: reading again`)).toHaveLength(2);
    });

    test('is noticed when it hangs, and read again when it does no longer', async () => {
      const broker = await kafka.connect(kafka.options({ sessionTimeoutMs }));
      await publishTexts(broker, numbers(0, 10));
      const source = await broker.consume('interactions');
      const read = new Set(await readTexts(source, 10));
      kafka.server.signal('SIGSTOP');
      onTestFinished(() => kafka.server.signal('SIGCONT'));
      await until('reading fails', () =>
        source.read(1, 100).then(
          () => false,
          ({ message }: Error) => message.includes('does not answer'),
        ),
      );
      await until('the consumer is made anew', async () => source.restarts > 0);
      kafka.server.signal('SIGCONT');
      await publishing(broker, numbers(10, 20));
      await readThrough(source, read, 20);
      expect(sorted(read)).toEqual(numbers(0, 20));
    });

    test('is read on by the same member of the group when it is back soon', async () => {
      const options = kafka.options({ sessionTimeoutMs: 60_000 });
      const broker = await kafka.connect(options);
      await publishTexts(broker, numbers(0, 10));
      const source = await broker.consume('interactions');
      const read = new Set(await readTexts(source, 10));
      const admin = await kafka.admin();
      const members = async () => {
        const { groups } = await admin.describeGroups([options.groupId]);
        return groups.flatMap((group) => group.members.map(({ memberId }) => memberId));
      };
      const before = await members();
      await kafka.server.kill();
      await kafka.server.restart();
      await publishing(broker, numbers(10, 20));
      await readThrough(source, read, 20);
      expect(sorted(read)).toEqual(numbers(0, 20));
      // Another one would have had to wait until the session of the first is over.
      expect(await members()).toEqual(before);
      expect(kafka.lines).toEqual([]);
    }, 60_000);

    test('does not keep those who close, and nothing of them stays', async () => {
      const before = process.getActiveResourcesInfo().length;
      const broker = await KafkaBroker.connect(kafka.options({ sessionTimeoutMs }));
      await publishTexts(broker, ['a']);
      const source = await broker.consume('interactions');
      await readTexts(source, 1);
      await broker.follow('interactions', 'now');
      await kafka.server.kill();
      const startedAt = performance.now();
      await broker.close();
      expect(performance.now() - startedAt).toBeLessThan(15_000);
      expect(await source.read(1, 60_000)).toBeNull();
      await until(
        'sockets and timers are gone',
        async () => process.getActiveResourcesInfo().length <= before,
      );
      await kafka.server.restart();
    });

    /** Publishes as soon as the broker takes it; in whole again when it may have taken a part. */
    function publishing(broker: KafkaBroker, texts: readonly string[]): Promise<true> {
      return until('it can be published', async () => {
        await publishTexts(broker, texts);
        return true;
      });
    }
  },
  { own: true },
);

test('nobody who listens is one sentence that says where', async () => {
  const brokers = [`127.0.0.1:${await freePort()}`];
  await expect(KafkaBroker.connect({ ...defaultKafkaOptions, brokers })).rejects.toMatchObject({
    code: 'unavailable',
    message: `Kafka at ${brokers[0]}: Connection error: connect ECONNREFUSED ${brokers[0]}; check that Kafka runs and can be reached there`,
  });
});

test('an unknown host is one sentence that names it', async () => {
  const brokers = ['kafka.invalid:9092'];
  await expect(KafkaBroker.connect({ ...defaultKafkaOptions, brokers })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('kafka.invalid'),
  });
});
