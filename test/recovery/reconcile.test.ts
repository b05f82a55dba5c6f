import { expect, it } from 'vitest';
import { PublishedCircuits } from '../../src/recovery/published-circuits.js';
import { reconcile } from '../../src/recovery/reconcile.js';
import { MemoryStore } from '../../src/store/memory.js';
import { makePairId } from '../../src/trust/pair.js';
import type { Transition } from '../../src/trust/transition.js';
import { batch, collapse, command, success, unpublished } from '../contract/store/given.js';
import { start } from '../processor/given.js';
import { circuitOf, workOn } from './given.js';

const of = (agentA: string, agentB = 'b') => ({ agentA, agentB, pairId: makePairId(agentA, agentB) });

const silent = { rules: unpublished };

/** Circuits of `x` and b: as they are in the store, and what was published of them. */
function given() {
  const store = new MemoryStore({ clock: () => start });
  const published = new PublishedCircuits();
  const told = (names: ReturnType<typeof of>, to: Transition['to'], transition: number) =>
    published.take(circuitOf({ ...names, to, transition }));
  return { store, published, told, work: workOn(store) };
}

const wordsOf = (store: MemoryStore) =>
  store.outbox
    .read(100)
    .map(({ transition }) => `${transition.agentA} ${transition.from} to ${transition.to}`)
    .sort();

it('tells of exactly the circuits that differ from what was published last', async () => {
  const { store, published, told, work } = given();
  const opened = ['open', 'reopened'].map((agentA) => collapse(start, { agentA }));
  const closed = ['closed', 'unopened'].map((agentA) => success(start, { agentA }));
  store.apply(batch([...opened, ...closed], silent));
  store.command(command('terminate', start, { ...of('stopped'), ...silent }));
  told(of('open'), 'OPEN', 5);
  told(of('reopened'), 'OPEN', 3);
  told(of('reopened'), 'HALF_OPEN', 9);
  told(of('reopened'), 'OPEN', 5);
  told(of('closed'), 'CLOSED', 5);
  told(of('unopened'), 'OPEN', 5);
  told(of('stopped'), 'TERMINATED', 5);
  told(of('forgotten'), 'OPEN', 5);
  expect(await reconcile(work, { published, whole: true })).toEqual({ pairs: 6, announced: 3 });
  expect(wordsOf(store)).toEqual([
    'forgotten OPEN to CLOSED',
    'reopened HALF_OPEN to OPEN',
    'unopened OPEN to CLOSED',
  ]);
});

it('tells of circuits that were never published where it knows all that were', async () => {
  const { store, published, work } = given();
  store.apply(batch([collapse(start, { agentA: 'new' })], silent));
  expect(await reconcile(work, { published, whole: false })).toEqual({ pairs: 0, announced: 0 });
  expect(await reconcile(work, { published, whole: true })).toEqual({ pairs: 1, announced: 1 });
  expect(wordsOf(store)).toEqual(['new CLOSED to OPEN']);
});

it('tells of each once, when what it told is published', async () => {
  const { store, published, work } = given();
  store.apply(batch([collapse(start, { agentA: 'new' })], silent));
  await reconcile(work, { published, whole: true });
  for (const { transition } of store.outbox.read(10)) published.take(circuitOf(transition));
  store.outbox.remove(store.outbox.read(10));
  expect(await reconcile(work, { published, whole: true })).toEqual({ pairs: 1, announced: 0 });
  expect(wordsOf(store)).toEqual([]);
});

it('compares more pairs than it does at a time', async () => {
  const { store, published, work } = given();
  const agents = Array.from({ length: 250 }, (_, i) => `agent-${i}`);
  store.apply(
    batch(
      agents.map((agentA) => collapse(start, { agentA })),
      silent,
    ),
  );
  expect(await reconcile(work, { published, whole: true })).toEqual({ pairs: 250, announced: 250 });
});
