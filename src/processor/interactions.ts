import type { EventSource, SourceBatch } from '../ports.js';
import { applyItems, changedCircuits, decode, frontierOf, type Item, refusalsOf, settle } from './batch.js';
import type { Sweep } from './sweep.js';
import { refuse, type Work } from './work.js';

/** How often the store is told how far a source is acknowledged, in ms. */
const markEveryMs = 1_000;

/**
 * Reads interactions to the end of the source: decode, apply, publish, acknowledge. While a shared store applies one
 * batch, the next is read and decoded; they are applied one after the other, in the order of the source.
 */
export async function runInteractions(work: Work, sweep: Sweep, source: EventSource): Promise<void> {
  const mark = marker(work, source);
  let underWay: Promise<void> = Promise.resolve();
  for (;;) {
    const batch = await work.must(`read ${source.name}`, () => source.read(work.maxBatch, work.idleMs));
    if (batch !== null) work.handed.note(batch.messages);
    const items = batch?.messages.map((message) => decode(work, source, message)) ?? [];
    await underWay;
    if (batch === null || items.length === 0) await sweepTo(work, sweep, source, work.clock());
    else {
      underWay = processBatch(work, sweep, source, batch, items);
      // It is told to whoever waits for it: after the next read.
      underWay.catch(() => {});
      mark.acknowledged = items.at(-1)?.message.position.sequence ?? 0;
    }
    if (!work.shared) {
      await underWay;
      await mark.write(batch === null);
    }
    if (batch === null) break;
    // A backlog that a source and a store in this process can serve at once must not starve all else.
    await work.timers.turn();
  }
  sweep.leave(source.name);
}

async function processBatch(
  work: Work,
  sweep: Sweep,
  source: EventSource,
  batch: SourceBatch,
  items: readonly Item[],
): Promise<void> {
  const frontier = frontierOf(items);
  if (frontier !== null) await sweepTo(work, sweep, source, frontier);
  for (let open = items; open.length > 0; ) {
    const { outcomes, left } = await applyItems(work, open);
    await refuse(work, source, refusalsOf(outcomes));
    // What is in a shared outbox is safe there, and a transition seldom.
    if (!work.shared) await work.publish();
    else if (outcomes.some(changedCircuits)) publishSoon(work);
    for (const outcome of outcomes) settle(outcome);
    const all = outcomes.length === items.length;
    const done = all ? undefined : outcomes.map(({ item }) => item.message);
    await work.must(`acknowledge ${source.name}`, () => batch.ack(done));
    open = left;
  }
}

/** Not waited for; where it fails, the processor's own loop tries again. */
function publishSoon(work: Work): void {
  work.publish().catch(() => {});
}

async function sweepTo(work: Work, sweep: Sweep, source: EventSource, t: number): Promise<void> {
  if (!work.rules.timedRecovery || work.shared) return;
  sweep.advance(source.name, t);
  for (;;) {
    const step = await work.must('make recoveries', () => sweep.step());
    if (step.found) await work.publish();
    if (!step.more) return;
    await work.timers.turn();
  }
}

/** Tells the store about once a second how far a source is acknowledged. */
function marker(work: Work, source: EventSource) {
  let dueAt = work.timers.elapsedMs() + markEveryMs;
  let marked = 0;
  return {
    acknowledged: 0,
    async write(now: boolean): Promise<void> {
      const { acknowledged } = this;
      if (acknowledged === marked || !(now || work.timers.elapsedMs() >= dueAt)) return;
      dueAt = work.timers.elapsedMs() + markEveryMs;
      await work.must('write the mark', () => work.store.mark([{ source: source.name, acknowledged }]));
      marked = acknowledged;
    },
  };
}
