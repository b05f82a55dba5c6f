/** Calls that are about several shards. */
import { FulcrumError, isPermanent } from '../../errors.js';
import type { ConnectionListener } from './connection.js';

/** Shards that one call is about: one of a cluster, or all of them. */
export type ShardGroup = readonly number[];

/** What a group answered, or why it did not. */
export type ShardAnswer<R> = { readonly value: R } | { readonly error: FulcrumError };

/**
 * A shard that failed is left alone for so many times as long as its failure took, while others answer: waiting for it
 * would hold them up.
 */
const restFactor = 2;

/** Asks shards of which some may be away: on a cluster the others go on. */
export class Shards {
  /** By the first shard of its group: why it is away, and until when it is left alone. */
  private readonly away = new Map<number, { readonly error: FulcrumError; readonly until: number }>();
  private told = false;

  constructor(private readonly listener: ConnectionListener) {}

  /**
   * Asks each group and waits for all of them, so that nothing is under way any more when the caller tries again.
   *
   * @throws FulcrumError when no group answers, or one fails in a way that trying again cannot mend
   */
  async ask<R>(
    groups: readonly ShardGroup[],
    work: (group: ShardGroup) => Promise<R>,
  ): Promise<ShardAnswer<R>[]> {
    const isLeftAlone = this.leftAlone(groups);
    const answers = await Promise.all(
      groups.map(async (group) => (isLeftAlone(group) && this.known(group)) || this.answer(group, work)),
    );
    this.judge(answers);
    return answers;
  }

  /** The same, without the groups that did not answer. */
  async some<R>(groups: readonly ShardGroup[], work: (group: ShardGroup) => Promise<R>): Promise<R[]> {
    const answers = await this.ask(groups, work);
    return answers.flatMap((answer) => ('value' in answer ? [answer.value] : []));
  }

  /** One group after the other. Waiting for all that are away would take very long so: one of them at most is asked. */
  async inTurn(groups: readonly ShardGroup[], work: (group: ShardGroup) => Promise<void>): Promise<void> {
    const isLeftAlone = this.leftAlone(groups);
    const answers: ShardAnswer<void>[] = [];
    let failed = false;
    for (const group of groups) {
      const known: ShardAnswer<void> | null = failed || isLeftAlone(group) ? this.known(group) : null;
      const answer: ShardAnswer<void> = known ?? (await this.answer(group, work));
      failed ||= 'error' in answer;
      answers.push(answer);
    }
    this.judge(answers);
  }

  /** What the first group says that can; those that failed just now come last. @throws FulcrumError when none can */
  async first<R>(groups: readonly ShardGroup[], work: (group: ShardGroup) => Promise<R>): Promise<R> {
    const inOrder = [...groups].sort((a, b) => Number(this.rests(a)) - Number(this.rests(b)));
    let last: FulcrumError | undefined;
    for (const group of inOrder) {
      const answer = await this.answer(group, work);
      if ('value' in answer) return answer.value;
      last = answer.error;
      if (isPermanent(last)) break;
    }
    throw last ?? new RangeError('there are no shards to ask');
  }

  private rests([first = 0]: ShardGroup): boolean {
    return performance.now() < (this.away.get(first)?.until ?? 0);
  }

  /** Which of these groups are not asked just now: never all of them. */
  private leftAlone(groups: readonly ShardGroup[]): (group: ShardGroup) => boolean {
    const resting = new Set(groups.filter((group) => this.rests(group)));
    return (group) => resting.size < groups.length && resting.has(group);
  }

  /** Why a group was away when it was last asked. */
  private known([first = 0]: ShardGroup): { readonly error: FulcrumError } | null {
    const away = this.away.get(first);
    return away === undefined ? null : { error: away.error };
  }

  private async answer<R>(
    group: ShardGroup,
    work: (group: ShardGroup) => Promise<R>,
  ): Promise<ShardAnswer<R>> {
    const [first = 0] = group;
    const begun = performance.now();
    try {
      const value = await work(group);
      this.away.delete(first);
      return { value };
    } catch (error) {
      if (!(error instanceof FulcrumError)) throw error;
      const now = performance.now();
      this.away.set(first, { error, until: now + restFactor * (now - begun) });
      return { error };
    }
  }

  private judge(answers: readonly ShardAnswer<unknown>[]): void {
    const errors = answers.flatMap((answer) => ('error' in answer ? [answer.error] : []));
    const permanent = errors.find(isPermanent);
    if (permanent !== undefined) throw permanent;
    const [error] = errors;
    if (error !== undefined && errors.length === answers.length) {
      // Nobody is held up by asking them all again.
      for (const [first, away] of this.away) this.away.set(first, { ...away, until: 0 });
      throw error;
    }
    this.tell(error);
  }

  private tell(error: FulcrumError | undefined): void {
    if (error !== undefined && !this.told) {
      this.told = true;
      const shards = [...this.away.keys()].join(', ');
      this.listener(`${error.message}; what lies in shard ${shards} waits, the other shards go on`, 'warn');
    } else if (this.told && this.away.size === 0) {
      this.told = false;
      this.listener('every shard answers again', 'info');
    }
  }
}

/** Does it for each and waits for all, be it that some fail. @throws what the first of them failed with */
export async function doAll<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const settled = await Promise.allSettled(items.map(work));
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}
