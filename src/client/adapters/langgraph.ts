/**
 * `fulcrum-trust/langgraph`: a graph of LangGraph.js whose nodes are under trust.
 *
 * @module fulcrum-trust/langgraph
 */
import { optionalPeer } from '../../optional-peer.js';
import type {
  AnyStateGraph,
  TrustAwareGraph as TrustAwareGraphOf,
  TrustAwareGraphOptions,
} from './trust-aware-graph.js';

export { type Classifier, OutcomeClassifier } from '../classifier.js';
export type { AgentPair, Trust, TrustUpdate } from './trust.js';
export type { AnyStateGraph, TrustAwareGraphOptions };

const loaded = await optionalPeer(
  import('./trust-aware-graph.js'),
  'fulcrum-trust/langgraph needs @langchain/langgraph and @langchain/core, which are not both installed: ' +
    'npm install @langchain/langgraph @langchain/core',
);

/**
 * Wraps a StateGraph that is not compiled yet: what each node answers is classified and recorded, and where the circuit
 * of its pair is open no node of that pair runs and the edges that leave it lead to END. The graph that was handed in
 * stays as it is.
 *
 * A node that throws has failed (each attempt of a retry policy by itself); an interrupt, and a Command that only says
 * where to go on, say nothing of the pair. With a fleet the run's `thread_id` is reported as the session, and the node's
 * `config.signal` fires when the circuit opens while it runs.
 *
 * Nodes of a subgraph are under trust when the subgraph was compiled by a TrustAwareGraph of its own.
 *
 * @example
 * const app = new TrustAwareGraph(graph, new TrustManager(), { agentB: 'researcher' }).compile();
 *
 * @class
 */
export const TrustAwareGraph = loaded.TrustAwareGraph;
/** What `new TrustAwareGraph(graph, options)` makes. */
export type TrustAwareGraph<Graph extends AnyStateGraph> = TrustAwareGraphOf<Graph>;
