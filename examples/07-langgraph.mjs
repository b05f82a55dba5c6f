// A LangGraph whose writer loops: the circuit opens and the graph ends, instead of running to its recursion limit.
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { TrustManager } from 'fulcrum-trust';
import { TrustAwareGraph } from 'fulcrum-trust/langgraph';

const State = Annotation.Root({ draft: Annotation(), error: Annotation(), rounds: Annotation() });

const graph = new StateGraph(State)
  .addNode('write', () => ({ error: 'the model refused' }))
  .addNode('review', ({ rounds = 0 }) => ({ rounds: rounds + 1 }))
  .addEdge(START, 'write')
  .addEdge('write', 'review')
  .addConditionalEdges('review', ({ draft }) => (draft === undefined ? 'write' : END), ['write', END]);

const app = new TrustAwareGraph(graph, new TrustManager(), {
  // The reviewer only counts: it is not under trust.
  agents: (node) => (node === 'write' ? ['editor', 'writer'] : null),
})
  .onTrustChange(({ agentB, trustScore }) => console.log(`trust in ${agentB}: ${trustScore.toFixed(3)}`))
  .onCircuitBreak(({ agentB }) => console.log(`circuit of ${agentB} opened`))
  .compile();

const { rounds } = await app.invoke({ rounds: 0 });
console.log(`ended after ${rounds} reviews`);
