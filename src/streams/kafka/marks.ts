import type { Admin } from 'kafkajs';

/** What the broker says of one partition, in offsets. */
export interface Mark {
  /** The first that is kept. */
  readonly low: number;
  /** The one that comes next. */
  readonly high: number;
  /** What the group has committed; null when it has nothing there, or nothing of the kind that it can go on from. */
  readonly committed: number | null;
}

export type Marks = ReadonlyMap<number, Mark>;

/** Asks where a topic begins and ends, and where a group, if one is named, stands in it. */
export async function readMarks(admin: Admin, topic: string, groupId: string | null): Promise<Marks> {
  const offsets = await admin.fetchTopicOffsets(topic);
  const groups = groupId === null ? [] : await admin.fetchOffsets({ groupId, topics: [topic] });
  const committed = new Map(
    groups.flatMap(({ partitions }) =>
      partitions.map(({ partition, offset }) => [partition, Number(offset)] as const),
    ),
  );
  offsets.sort((one, other) => one.partition - other.partition);
  return new Map(
    offsets.map(({ partition, low, high }) => {
      const offset = committed.get(partition) ?? -1;
      return [
        partition,
        { low: Number(low), high: Number(high), committed: offset < 0 ? null : offset },
      ] as const;
    }),
  );
}

const everyMs = 1_000;

/** The newest marks that cost no more than one question a second. */
export class FreshMarks {
  private askedAt = Number.NEGATIVE_INFINITY;
  private answer: Promise<Marks | null> = Promise.resolve(null);

  constructor(private readonly ask: () => Promise<Marks>) {}

  /** Null when the broker does not say. */
  get(): Promise<Marks | null> {
    const now = Date.now();
    if (now - this.askedAt >= everyMs) {
      this.askedAt = now;
      this.answer = this.ask().catch(() => null);
    }
    return this.answer;
  }
}
