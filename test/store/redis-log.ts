/** A log of interactions, for stores in bad weather: what is read from it, and what has to come of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ApplyBatch, ApplyResult, InteractionToApply, TrustStore } from '../../src/ports.js';
import { untilDone } from '../../src/retry.js';
import type { RedisStore } from '../../src/store/redis/store.js';
import { trustOutcomes } from '../../src/trust/outcome.js';
import {
  apply,
  at,
  batch,
  defaults,
  interaction,
  outboxOf,
  start,
  withCooldown,
} from '../contract/store/given.js';
import { StoreModel } from '../contract/store/model.js';

const maxBatch = 512;
const batchEveryMs = 10;
const rest: Partial<ApplyBatch> = { policies: [defaults, withCooldown] };

/** Interactions without end, of which a part opens and closes circuits; the n-th is the same in each run. */
export class Log {
  readonly events: InteractionToApply[] = [];

  constructor(
    readonly source: string,
    private readonly pairs = 48,
  ) {}

  next(count: number): readonly InteractionToApply[] {
    const from = this.events.length;
    for (let n = from; n < from + count; n++) {
      const pair = n % this.pairs;
      const outcome = trustOutcomes[(n * 7 + Math.floor(n / this.pairs)) % trustOutcomes.length] ?? 'failure';
      this.events.push(
        interaction(outcome, start + n, {
          agentA: `${this.source}-${pair}`,
          agentB: 'hub',
          weight: 1 + (n % 5),
          policy: pair % 2,
          ...at(n + 1, this.source),
        }),
      );
    }
    return this.events.slice(from);
  }
}

/** What went wrong on the way, for those who wait for it. */
export class Troubles {
  readonly all: string[] = [];
  private readonly waiting = new Set<() => void>();

  note(error: unknown): void {
    this.all.push(String(error));
    for (const look of this.waiting) look();
  }

  /** Resolves when one has been met that is like this. */
  async met(pattern: RegExp): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!this.all.some((message) => pattern.test(message))) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  }
}

/** Applies events as a processor does: what fails, or throws, is tried again until it is done. */
export async function applyUntilDone(
  store: TrustStore,
  events: readonly InteractionToApply[],
  troubles = new Troubles(),
): Promise<ApplyResult['kind'][]> {
  const kinds: ApplyResult['kind'][] = [];
  for (let from = 0; from < events.length; from += maxBatch)
    kinds.push(...(await applyBatch(store, events.slice(from, from + maxBatch), troubles)));
  return kinds;
}

async function applyBatch(
  store: TrustStore,
  events: readonly InteractionToApply[],
  troubles: Troubles,
): Promise<ApplyResult['kind'][]> {
  const kinds: ApplyResult['kind'][] = [];
  const weather = { failed: () => {}, recovered: () => {} };
  let open = events.map((_, index) => index);
  while (open.length > 0) {
    const own = open.map((index) => events[index] as InteractionToApply);
    const work = () =>
      apply(store, own, rest).catch((error: unknown) => {
        troubles.note(error);
        throw error;
      });
    const results = await untilDone('apply', work, new AbortController().signal, weather);
    results.forEach((result, i) => {
      kinds[open[i] as number] = result.kind;
      if (result.kind === 'failed') troubles.note(result.error);
    });
    open = open.filter((index) => kinds[index] === 'failed');
  }
  return kinds;
}

/** Applies events of a log, a small batch every few ms, until it is told to stop. */
export function load(store: TrustStore, log: Log, troubles = new Troubles()) {
  let goesOn = true;
  const run = async (): Promise<ApplyResult['kind'][]> => {
    const kinds: ApplyResult['kind'][] = [];
    while (goesOn) {
      kinds.push(...(await applyUntilDone(store, log.next(64), troubles)));
      await sleep(batchEveryMs);
    }
    return kinds;
  };
  const running = run();
  return {
    troubles,
    /** What came of each event. */
    stop: (): Promise<ApplyResult['kind'][]> => {
      goesOn = false;
      return running;
    },
  };
}

/** Every event of the logs counted once, in its order, and made the transitions that the pure functions make of them. */
export async function expectCountedOnce(store: RedisStore, ...logs: readonly Log[]): Promise<void> {
  const model = new StoreModel(() => start, 1_000_000);
  const events = logs.flatMap((log) => log.events);
  model.apply(batch(events, rest));
  const ids = [...new Set(events.map(({ pairId }) => pairId))];
  const pairs = await Promise.all(ids.map((id) => store.read('default', id)));
  expect(pairs).toEqual(ids.map((id) => model.read('default', id)));
  const written = (await outboxOf(store)).map(({ id: _, ...entry }) => entry);
  const byPair = (entries: typeof written) =>
    ids.map((id) => entries.filter(({ transition }) => transition.pairId === id));
  expect(byPair(written)).toEqual(byPair(model.outbox));
}
