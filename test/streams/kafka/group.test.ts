import { expect, test } from 'vitest';
import type { LogSource, SourceMessage } from '../../../src/ports.js';
import type { KafkaBroker } from '../../../src/streams/kafka/broker.js';
import type { GroupSource } from '../../../src/streams/kafka/group-source.js';
import { describeWithServer } from '../../servers/describe.js';
import { until } from '../../servers/until.js';
import { committedOf, GivenKafka, nextBatch, numbers, publishTexts, sorted, textOf } from './given.js';

/** Members learn of each other by heartbeats, ten a session. */
const sessionTimeoutMs = 3_000;

/** Reads a source to its end in small batches, as a processor does, and keeps what it got. */
class Reader {
  readonly messages: SourceMessage[] = [];
  readonly running: Promise<void>;

  constructor(readonly source: LogSource) {
    this.running = this.run();
  }

  private async run(): Promise<void> {
    for (;;) {
      const batch = await this.source.read(20, 100);
      if (batch === null) return;
      this.messages.push(...batch.messages);
      await batch.ack();
    }
  }
}

const partitionsOf = async (source: GroupSource): Promise<number> => (await source.progress()).length;
const textsOf = (...readers: readonly Reader[]): Set<string> =>
  new Set(readers.flatMap(({ messages }) => messages.map(textOf)));

/** That no position was passed over: a repeat may go back, nothing goes forward by more than one. */
function expectNoGap(messages: readonly SourceMessage[]): void {
  const last = new Map<string, number>();
  for (const { position } of messages) {
    const before = last.get(position.source);
    if (before !== undefined) expect(position.sequence).toBeLessThanOrEqual(before + 1);
    last.set(position.source, Math.max(before ?? 0, position.sequence));
  }
}

describeWithServer('kafka', 'consumers of one Kafka group', () => {
  const kafka = new GivenKafka();

  async function twoReaders(broker: KafkaBroker, other: KafkaBroker): Promise<[Reader, Reader]> {
    const first = await broker.consume('interactions');
    await until('the first has joined', async () => (await partitionsOf(first)) === 4);
    const second = await other.consume('interactions');
    await until('both have their share', async () => {
      return (await partitionsOf(first)) === 2 && (await partitionsOf(second)) === 2;
    });
    return [new Reader(first), new Reader(second)];
  }

  test('share the load, and each speaks for its own partitions', async () => {
    const options = kafka.options({ partitions: 4, sessionTimeoutMs });
    const broker = await kafka.connect(options);
    const [first, second] = await twoReaders(broker, await kafka.connect(options));
    await publishTexts(broker, numbers(0, 1_000));
    await until('all is read', async () => textsOf(first, second).size === 1_000);
    expect(first.messages.length).toBeGreaterThan(0);
    expect(second.messages.length).toBeGreaterThan(0);
    expect(first.messages.length + second.messages.length).toBe(1_000);
    const owned = async ({ source }: Reader) => (await source.progress()).map((log) => log.source);
    expect([...(await owned(first)), ...(await owned(second))].sort()).toEqual(first.source.logs());
    expect(second.source.logs()).toEqual(first.source.logs());
  });

  test('lose nothing when one leaves and when one comes', async () => {
    const options = kafka.options({ partitions: 4, sessionTimeoutMs });
    const broker = await kafka.connect(options);
    const [first, second] = await twoReaders(broker, await kafka.connect(options));
    const readers = [first, second];
    for (let round = 0; round < 10; round++) {
      await publishTexts(broker, numbers(round * 500, (round + 1) * 500));
      if (round === 3) await second.source.close();
      if (round === 6) readers.push(new Reader(await broker.consume('interactions')));
    }
    await until('all is read', async () => textsOf(...readers).size === 5_000);
    expect(sorted(textsOf(...readers))).toEqual(numbers(0, 5_000));
    for (const { messages } of readers) expectNoGap(messages);
    await second.running;
  });

  test('may be acknowledged what they no longer own', async () => {
    const options = kafka.options({ partitions: 4, sessionTimeoutMs });
    const broker = await kafka.connect(options);
    await publishTexts(broker, numbers(0, 1_000));
    const first = await broker.consume('interactions');
    const held = await nextBatch(first, 300);
    const second = await broker.consume('interactions');
    await until('the second has its share', async () => (await partitionsOf(second)) === 2);
    await held.ack();
    const admin = await kafka.admin();
    expect(await committedOf(admin, options.groupId, options.topics.interactions)).toEqual(
      Array.from({ length: 4 }, () => null),
    );
    const readers = [new Reader(first), new Reader(second)];
    await until('all is read', async () => textsOf(...readers).size === 1_000);
  });

  test('are committed nothing by what they were handed before a partition went away and came back', async () => {
    const options = kafka.options({ partitions: 4, sessionTimeoutMs });
    const broker = await kafka.connect(options);
    await publishTexts(broker, numbers(0, 1_000));
    const first = await broker.consume('interactions');
    await until('all of it waits', async () => first.waitingBytes > 1_000 * 512);
    const before = await nextBatch(first, 1_000);
    expect(before.messages).toHaveLength(1_000);
    const second = await broker.consume('interactions');
    await until('the second has its share', async () => (await partitionsOf(second)) === 2);
    await second.close();
    await until('the first has all again', async () => (await partitionsOf(first)) === 4);
    await until('all of it waits again', async () => first.waitingBytes > 1_000 * 512);
    const admin = await kafka.admin();
    const committed = () => committedOf(admin, options.groupId, options.topics.interactions);
    const again = await nextBatch(first, 1_000);
    await before.ack();
    await before.ack(before.messages.slice(0, 500));
    await first.progress();
    expect(await committed()).toEqual([null, null, null, null]);
    await again.ack();
    await first.progress();
    const ends = await admin.fetchTopicOffsets(options.topics.interactions);
    ends.sort((one, other) => one.partition - other.partition);
    expect(await committed()).toEqual(ends.map(({ high }) => Number(high)));
  });

  test('read interactions and commands side by side', async () => {
    const options = kafka.options({ partitions: 2 });
    const broker = await kafka.connect(options);
    await publishTexts(broker, numbers(0, 100));
    await publishTexts(broker, ['stop'], 'commands');
    const interactions = new Reader(await broker.consume('interactions'));
    const commands = new Reader(await broker.consume('commands'));
    await until('both are read', async () => textsOf(interactions, commands).size === 101);
    expect(commands.messages.map(textOf)).toEqual(['stop']);
    expect(commands.messages[0]?.position.source).toBe(`${options.topics.commands}/0@0`);
  });
});
