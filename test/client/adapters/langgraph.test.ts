import {
  Annotation,
  Command,
  END,
  interrupt,
  MemorySaver,
  Send,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { describe, expect, it } from 'vitest';
import {
  TrustAwareGraph,
  type TrustAwareGraphOptions,
  type TrustUpdate,
} from '../../../src/client/adapters/langgraph.js';
import { TrustManager } from '../../../src/index.js';
import type { TrustConfigOptions } from '../../../src/trust/config.js';

const State = Annotation.Root({
  text: Annotation<string>({ reducer: (_before, after) => after, default: () => '' }),
  steps: Annotation<string[]>({ reducer: (before, after) => [...before, ...after], default: () => [] }),
  rounds: Annotation<number>({ reducer: (_before, after) => after, default: () => 0 }),
});

type Values = typeof State.State;

const start = 1_700_000_000;

/** Trust with a clock that the test moves. */
function trustAt(config: TrustConfigOptions = {}) {
  const time = { now: start };
  return { time, trust: new TrustManager({ config, clock: () => time.now }) };
}

/** A writer and a reviewer who go round until somebody stops them, or for 50 rounds. */
function loop(write: (state: Values) => object | Promise<object>) {
  return new StateGraph(State)
    .addNode('writer', write)
    .addNode('reviewer', (state) => ({ steps: ['reviewer'], rounds: state.rounds + 1 }))
    .addEdge(START, 'writer')
    .addEdge('writer', 'reviewer')
    .addConditionalEdges('reviewer', (state) => (state.rounds < 50 ? 'writer' : END), ['writer', END]);
}

const failing = () => ({ error: 'no such file', steps: ['writer'] });

const ofWriter: TrustAwareGraphOptions = {
  agents: (node) => (node === 'writer' ? ['editor', 'writer'] : null),
};

describe('a graph under trust', () => {
  it('ends when the circuit of a node opens, and says so', async () => {
    const { trust } = trustAt();
    const heard: string[] = [];
    const app = new TrustAwareGraph(loop(failing), trust, ofWriter)
      .onTrustChange(({ trustScore }) => heard.push(trustScore.toFixed(2)))
      .onCircuitBreak(({ agentB, circuitState }) => heard.push(`${agentB} ${circuitState}`))
      .compile();
    const { steps } = await app.invoke({}, { recursionLimit: 200 });
    expect(steps).toEqual(['writer', 'reviewer', 'writer']);
    expect(heard).toEqual(['0.33', '0.25', 'writer OPEN']);
    expect(await trust.isOpen('editor', 'writer')).toBe(true);
  });

  it('goes through when all is well, and leaves the graph that it was given as it is', async () => {
    const { trust } = trustAt();
    const graph = loop(({ rounds }) => ({ text: `draft number ${rounds} of this text`, steps: ['writer'] }));
    const edges = [...graph.edges];
    const app = new TrustAwareGraph(graph, trust).compile();
    expect((await app.invoke({}, { recursionLimit: 200 })).rounds).toBe(50);
    expect(await trust.getState('orchestrator', 'worker')).toMatchObject({ interactionCount: 100 });
    expect([...graph.edges]).toEqual(edges);
    await graph.compile().invoke({}, { recursionLimit: 200 });
    expect(await trust.getState('orchestrator', 'worker')).toMatchObject({ interactionCount: 100 });
  });

  it('calls it repetition when a long text comes back unchanged', async () => {
    const { trust } = trustAt();
    const app = new TrustAwareGraph(
      loop(({ text }) => ({ text: text === '' ? 'thank you so very much for that' : text })),
      trust,
      ofWriter,
    ).compile();
    await app.invoke({}, { recursionLimit: 200 });
    expect(await trust.getState('editor', 'writer')).toMatchObject({ alpha: 2 + 49 / 2, beta: 1 + 49 / 2 });
  });

  it('runs no node of a pair that is open from the start', async () => {
    const { trust } = trustAt();
    await trust.terminate('editor', 'writer');
    let calls = 0;
    const app = new TrustAwareGraph(
      loop(() => ({ steps: [`writer ${++calls}`] })),
      trust,
      ofWriter,
    ).compile();
    expect((await app.invoke({ text: 'go' })).steps).toEqual([]);
    expect(calls).toBe(0);
  });

  it('lets one try again once a cooldown is over, and tells of the recovery', async () => {
    const { time, trust } = trustAt({ recoveryCooldownSeconds: 60, halfLifeSeconds: 10 });
    const told: TrustUpdate[] = [];
    let answer: object = { error: 'down' };
    const graph = new StateGraph(State)
      .addNode('work', () => answer)
      .addEdge(START, 'work')
      .addEdge('work', END);
    const app = new TrustAwareGraph(graph, trust).onRecovery((update) => told.push(update)).compile();
    for (let i = 0; i < 3; i++) await app.invoke({});
    expect(await trust.getState('orchestrator', 'worker')).toMatchObject({ interactionCount: 2 });
    time.now += 61;
    answer = { text: 'well again' };
    await app.invoke({});
    await app.invoke({});
    expect(await trust.getState('orchestrator', 'worker')).toMatchObject({ circuitState: 'CLOSED' });
    expect(told).toMatchObject([{ agentB: 'worker' }]);
  });

  it('counts a node that throws as failed, each attempt of a retry by itself', async () => {
    const { trust } = trustAt({ threshold: 0.1 });
    const graph = retrying(3);
    await expect(new TrustAwareGraph(graph, trust).compile().invoke({})).rejects.toThrow('it broke');
    expect(await trust.getState('orchestrator', 'worker')).toMatchObject({ beta: 4, interactionCount: 3 });
  });

  it('stops a retry that cannot work as soon as the circuit opens', async () => {
    const { trust } = trustAt();
    let calls = 0;
    const graph = retrying(9, () => calls++);
    await new TrustAwareGraph(graph, trust).compile().invoke({});
    expect(calls).toBe(2);
  });

  it('says nothing of an interrupt, nor of a Command that only routes, and judges the update of one that has one', async () => {
    const { trust } = trustAt();
    const graph = new StateGraph(State)
      .addNode('ask', () => ({ text: String(interrupt('go on?')) }))
      .addNode('route', () => new Command({ goto: 'work' }), { ends: ['work'] })
      .addNode('work', () => new Command({ update: { error: 'no' }, goto: END }), { ends: [END] })
      .addEdge(START, 'ask')
      .addEdge('ask', 'route');
    const app = new TrustAwareGraph(graph, trust, { agentB: 'bot' }).compile({
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: 'one' } };
    await app.invoke({}, config);
    expect(await trust.getState('orchestrator', 'bot')).toBeNull();
    await app.invoke(new Command({ resume: 'yes' }), config);
    expect(await trust.getState('orchestrator', 'bot')).toMatchObject({
      interactionCount: 2,
      alpha: 2,
      beta: 2,
    });
  });

  it('streams what the graph streams', async () => {
    const { trust } = trustAt();
    const app = new TrustAwareGraph(
      loop(async (state) => ({ ...failing(), text: `try ${state.rounds}` })),
      trust,
      ofWriter,
    ).compile();
    const nodes: string[] = [];
    for await (const update of await app.stream({}, { streamMode: 'updates', recursionLimit: 200 }))
      nodes.push(...Object.keys(update));
    expect(nodes).toEqual(['writer', 'reviewer', 'writer']);
  });

  it('stops one of two branches that run side by side, and their join does what is left', async () => {
    const { trust } = trustAt();
    const graph = new StateGraph(State)
      .addNode('split', () => ({ steps: ['split'] }))
      .addNode('left', failing)
      .addNode('right', () => ({ steps: ['right'] }))
      .addNode('after left', () => ({ steps: ['after left'] }))
      .addNode('after right', () => ({ steps: ['after right'] }))
      .addNode('join', () => ({ steps: ['join'] }))
      .addEdge(START, 'split')
      .addEdge('split', 'left')
      .addEdge('split', 'right')
      .addEdge('left', 'after left')
      .addEdge('right', 'after right')
      .addEdge(['after left', 'after right'], 'join');
    const app = new TrustAwareGraph(graph, trust, { agents: (node) => ['boss', node] }).compile();
    await trust.evaluate('boss', 'left', 'failure');
    const { steps } = await app.invoke({});
    expect(new Set(steps)).toEqual(new Set(['split', 'writer', 'right', 'after right']));
    for (const node of ['split', 'right', 'after right'])
      expect(await trust.getState('boss', node)).toMatchObject({ interactionCount: 1, alpha: 2 });
    expect(await trust.getState('boss', 'join')).toBeNull();
  });

  it('fans out no more work by Send once the circuit is open', async () => {
    const { trust } = trustAt();
    const graph = new StateGraph(State)
      .addNode('plan', failing)
      .addNode('work', () => ({ steps: ['work'] }))
      .addEdge(START, 'plan')
      .addConditionalEdges('plan', () => [new Send('work', {}), new Send('work', {})], ['work'])
      .addEdge('work', 'plan');
    const app = new TrustAwareGraph(graph, trust, {
      agents: (node) => (node === 'plan' ? ['boss', 'planner'] : null),
    }).compile();
    const { steps } = await app.invoke({}, { recursionLimit: 100 });
    expect(steps).toEqual(['writer', 'work', 'work', 'writer']);
  });

  it('has its subgraphs under trust too, each as it was compiled', async () => {
    const { trust } = trustAt();
    const inner = new TrustAwareGraph(loop(failing), trust, ofWriter).compile();
    const outer = new StateGraph(State).addNode('team', inner).addEdge(START, 'team').addEdge('team', END);
    const app = new TrustAwareGraph(outer, trust, { agentB: 'team' }).compile();
    const parts: string[] = [];
    const stream = await app.stream({}, { subgraphs: true, streamMode: 'updates', recursionLimit: 200 });
    for await (const [, update] of stream) parts.push(...Object.keys(update as object));
    expect(parts).toEqual(['writer', 'reviewer', 'writer', 'team']);
    expect(await trust.getState('editor', 'writer')).toMatchObject({ circuitState: 'OPEN' });
    expect(await trust.getState('orchestrator', 'team')).toMatchObject({ interactionCount: 1 });
  });

  it('counts nothing when the run is cancelled', async () => {
    const { trust } = trustAt();
    const abort = new AbortController();
    const graph = new StateGraph(State)
      .addNode('work', async (_state, config) => {
        abort.abort();
        config.signal?.throwIfAborted();
        return {};
      })
      .addEdge(START, 'work')
      .addEdge('work', END);
    const app = new TrustAwareGraph(graph, trust).compile();
    await expect(app.invoke({}, { signal: abort.signal })).rejects.toThrow();
    expect(await trust.getState('orchestrator', 'worker')).toBeNull();
  });

  it('draws its edges to the end', async () => {
    const app = new TrustAwareGraph(loop(failing), trustAt().trust).compile();
    const { edges } = await app.getGraphAsync();
    expect(edges.filter(({ source, target }) => source === 'writer' && target === END)).toHaveLength(1);
  });

  it('refuses names that no fleet would take', () => {
    const graph = loop(failing);
    expect(() => new TrustAwareGraph(graph, trustAt().trust, { agentA: '' })).toThrow(/agentA/);
  });

  it('refuses a graph that is compiled, and says what to hand in', () => {
    const graph = loop(failing).compile() as unknown as StateGraph<unknown>;
    expect(() => new TrustAwareGraph(graph, trustAt().trust)).toThrow(/without \.compile\(\)/);
  });
});

/** A graph of one node that fails whenever it is tried, and is tried so many times. */
function retrying(maxAttempts: number, onCall: () => void = () => {}) {
  const retryPolicy = {
    maxAttempts,
    initialInterval: 1,
    jitter: false,
    retryOn: () => true,
    logWarning: false,
  };
  return new StateGraph(State)
    .addNode(
      'work',
      () => {
        onCall();
        throw new Error('it broke');
      },
      { retryPolicy },
    )
    .addEdge(START, 'work')
    .addEdge('work', END);
}
