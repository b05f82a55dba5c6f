import { setImmediate as nextTurn } from 'node:timers/promises';
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { expect, it, onTestFinished } from 'vitest';
import { TrustAwareGraph, type TrustUpdate } from '../../../src/client/adapters/langgraph.js';
import { connectFleet } from '../../../src/client/index.js';
import { NatsBroker } from '../../../src/streams/nats/broker.js';
import { defaultNatsOptions } from '../../../src/streams/nats/options.js';
import { describeWithServer } from '../../servers/describe.js';
import { fleetOnNats } from '../running.js';

const State = Annotation.Root({ rounds: Annotation<number> });

describeWithServer('nats', 'a graph whose trust is a fleet', () => {
  async function connected() {
    const running = await fleetOnNats();
    onTestFinished(() => running.stop());
    const fleet = await connectFleet({ ...running.address, whenStale: 'failOpen' });
    onTestFinished(() => fleet.close());
    return { fleet, options: { ...defaultNatsOptions, servers: [String(running.address.nats)] } };
  }

  it('ends when the circuit opens; the fleet learns the session, the node and the text', async () => {
    const { fleet, options } = await connected();
    const told: TrustUpdate[] = [];
    const graph = new StateGraph(State)
      .addNode('work', async () => {
        await nextTurn();
        return { rounds: 1, error: 'it broke' };
      })
      .addEdge(START, 'work')
      .addConditionalEdges('work', () => 'work', ['work', END]);
    const app = new TrustAwareGraph(graph, fleet, { content: (node) => `${node} did it` })
      .onCircuitBreak((update) => told.push(update))
      .compile();
    await app.invoke({ rounds: 0 }, { configurable: { thread_id: 'run-7' }, recursionLimit: 100_000 });
    expect(told).toMatchObject([{ agentA: 'orchestrator', agentB: 'worker', circuitState: 'OPEN' }]);
    expect(fleet.circuits.isOpen('worker', 'orchestrator')).toBe(true);
    await fleet.flush();
    const broker = await NatsBroker.connect(options);
    onTestFinished(() => broker.close());
    const log = await broker.follow('interactions', 'start');
    const [first] = (await log.read(1, 2_000))?.messages ?? [];
    expect(JSON.parse(Buffer.from(first?.body ?? '').toString()).data).toMatchObject({
      outcome: 'failure',
      session_id: 'run-7',
      task: 'work',
      content: 'work did it',
    });
  });

  it('tells a node that runs when the circuit opens meanwhile, and does not count it', async () => {
    const { fleet } = await connected();
    const graph = new StateGraph(State)
      .addNode('work', async (_state, config) => {
        for (let i = 0; i < 2; i++) void fleet.report('orchestrator', 'worker', 'failure');
        await new Promise((resolve) => config.signal?.addEventListener('abort', resolve));
        throw config.signal?.reason;
      })
      .addEdge(START, 'work')
      .addEdge('work', END);
    const app = new TrustAwareGraph(graph, fleet).compile();
    await expect(app.invoke({ rounds: 0 })).rejects.toMatchObject({
      name: 'TrustCircuitOpen',
      reason: 'score',
    });
    await fleet.flush();
    expect(fleet.counts.sent).toBe(2);
  });
});
