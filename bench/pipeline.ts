/**
 * The embedded pipeline end to end: events from a stream in this process, decoded, applied with positions,
 * event ids, due times and outbox in one synced LMDB transaction a batch, published, acknowledged. Beside it:
 * the same model, one synced LMDB transaction an event, none of those features.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TrustEvaluator, type TrustState } from 'fulcrum-trust';
import { EmbeddedStore, MemorySink, MemoryTopic, PolicyBook, Processor } from 'fulcrum-trust/processor';
import { open } from 'lmdb';
import { eventBodies } from './events.js';
import { rate, spreadOfRuns } from './measure/spread.js';
import { naiveEvent } from './naive/store.js';
import type { Result } from './result.js';

const pairs = 5_000;
const ourCount = 100_000;
const naiveCount = 5_000;

export async function benchPipeline(runs: number): Promise<Result> {
  const bodies = eventBodies(ourCount, pairs);
  const ours = await spreadOfRuns(runs, () => inFolder((folder) => runPipeline(folder, bodies)));
  const naive = await spreadOfRuns(runs, () =>
    inFolder((folder) => runNaive(folder, bodies.slice(0, naiveCount))),
  );
  return {
    name: 'embedded pipeline, durable, end to end',
    unit: 'events/s',
    ours,
    beside: { name: 'one synced transaction an event, no dedupe, no outbox', rate: naive.median },
  };
}

async function runPipeline(folder: string, bodies: readonly Buffer[]): Promise<number> {
  const store = await EmbeddedStore.open(folder);
  const clock = () => Date.now() / 1_000;
  const topic = new MemoryTopic({ name: 'bench', clock, maxQueuedBytes: 2 ** 30 });
  await topic.send(bodies.map((body) => ({ body, headers: {} })));
  topic.close();
  const policies = new PolicyBook({ version: 1, default: {}, policies: [] });
  let transitions = 0;
  const circuits = new MemorySink();
  circuits.subscribe(() => transitions++);
  let applied = 0;
  const processor = new Processor({
    store,
    interactions: [topic],
    circuits,
    deadLetters: new MemorySink(),
    policies: () => policies,
    clock,
    observer: { applied: (_event, result) => void (result.kind === 'applied' && applied++) },
  });
  const measured = await rate(async () => {
    await processor.run();
    return applied;
  });
  await store.close();
  if (applied !== bodies.length) throw new Error(`${applied} of ${bodies.length} events were applied`);
  return measured;
}

async function runNaive(folder: string, bodies: readonly Buffer[]): Promise<number> {
  const database = open<TrustState>({ path: folder, noSubdir: false, overlappingSync: false });
  const evaluator = new TrustEvaluator();
  const measured = await rate(() => {
    for (const body of bodies) {
      const { agentA, agentB, outcome, time } = naiveEvent(body);
      const key = `${agentA}:${agentB}`;
      database.transactionSync(() => {
        const state = database.get(key) ?? evaluator.newState(agentA, agentB, time);
        database.putSync(key, { ...evaluator.update(state, outcome, time) });
      });
    }
    return bodies.length;
  });
  await database.close();
  return measured;
}

async function inFolder(work: (folder: string) => Promise<number>): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'fulcrum-trust-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
