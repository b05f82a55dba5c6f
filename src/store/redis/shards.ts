/** Calls that are about several shards. */
import { FulcrumError, isPermanent } from '../../errors.js';
import type { ConnectionListener } from './connection.js';

/** Shards that one call is about: one of a cluster, or all of them. */
export type ShardGroup = readonly number[];

/** What a group answered, or why it did not. */
export type ShardAnswer<R> = { readonly value: R } | { readonly error: FulcrumError };

/** How long a shard that failed is left alone while others answer, in ms: waiting for it would hold them up. */
const restMs = 500;

/** Asks shards of which some may be away: on a cluster the others go on. */
export class Shards {
  /** By the first shard of its group: why it is away, and until when it is left alone. */
  private readonly away = new Map<number, { readonly error: FulcrumError; readonly until: number }>();
  private told = false;

  constructor(private readonly listener: ConnectionListener) {}

  /**
   * Asks each group and waits for all of them, so that nothing is under way any more when the caller tries again.
   *
   * @param inTurn one after the other. @defaultValue all at once
   * @throws FulcrumError when no group answers, or one fails in a way that trying again cannot mend
   */
  async ask<R>(
    groups: readonly ShardGroup[],
    work: (group: ShardGroup) => Promise<R>,
    inTurn = false,
  ): Promise<ShardAnswer<R>[]> {
    const resting = groups.filter((group) => this.rests(group));
    const answerOf = async (group: ShardGroup): Promise<ShardAnswer<R>> => {
      const away = this.away.get(group[0] ?? 0);
      const isLeftAlone = resting.length < groups.length && resting.includes(group);
      return away !== undefined && isLeftAlone ? { error: away.error } : this.answer(group, work);
    };
    const answers: ShardAnswer<R>[] = [];
    if (inTurn) for (const group of groups) answers.push(await answerOf(group));
    else answers.push(...(await Promise.all(groups.map(answerOf))));
    this.judge(groups, answers);
    return answers;
  }

  /** The same, without the groups that did not answer. */
  async some<R>(
    groups: readonly ShardGroup[],
    work: (group: ShardGroup) => Promise<R>,
    inTurn = false,
  ): Promise<R[]> {
    const answers = await this.ask(groups, work, inTurn);
    return answers.flatMap((answer) => ('value' in answer ? [answer.value] : []));
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

  private async answer<R>(
    group: ShardGroup,
    work: (group: ShardGroup) => Promise<R>,
  ): Promise<ShardAnswer<R>> {
    const [first = 0] = group;
    try {
      const value = await work(group);
      this.away.delete(first);
      return { value };
    } catch (error) {
      if (!(error instanceof FulcrumError)) throw error;
      this.away.set(first, { error, until: performance.now() + restMs });
      return { error };
    }
  }

  private judge<R>(groups: readonly ShardGroup[], answers: readonly ShardAnswer<R>[]): void {
    const errors = answers.flatMap((answer) => ('error' in answer ? [answer.error] : []));
    const permanent = errors.find(isPermanent);
    if (permanent !== undefined) throw permanent;
    const [error] = errors;
    if (error !== undefined && errors.length === groups.length) {
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
