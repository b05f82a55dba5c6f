// Only langgraph.ts loads this file, since what it imports may be absent.
import { Runnable, type RunnableConfig } from '@langchain/core/runnables';
import { END, isCommand, isGraphBubbleUp, type Send, START, type StateGraph } from '@langchain/langgraph';
import { FulcrumError } from '../../errors.js';
import { TrustCircuitOpen } from '../../trust/errors.js';
import type { TrustOutcome } from '../../trust/outcome.js';
import type { Classifier } from '../classifier.js';
import { checkName } from '../report.js';
import { type AgentPair, type Judge, judgeOf, type Trust, type TrustUpdate } from './trust.js';

/** Any graph that is not compiled yet. */
// biome-ignore lint/suspicious/noExplicitAny: a graph's own types stay with it; none of them matters here.
export type AnyStateGraph = StateGraph<any, any, any, any, any, any, any, any, any, any>;

/** How the nodes of a graph are put under trust. */
export interface TrustAwareGraphOptions {
  /** Who works for whom in all nodes. @defaultValue 'orchestrator' */
  readonly agentA?: string;
  /** @defaultValue 'worker' */
  readonly agentB?: string;
  /** The pair of each node, in place of one pair for all of them; null: that node is not under trust. */
  readonly agents?: (node: string) => AgentPair | null;
  /** Tells what came of a node by the state that it got and the update that it answered. @defaultValue the fleet's, or OutcomeClassifier */
  readonly classifier?: Classifier;
  /** The text of a node's work, for a fleet's analysis. @defaultValue none is sent */
  readonly content?: (node: string, update: unknown) => string | undefined;
}

/** What langgraph.ts exports, and tells of, under the same name. */
export class TrustAwareGraph<Graph extends AnyStateGraph> {
  private readonly judge: Judge;
  private readonly pairs = new Map<string, AgentPair>();

  /** @throws FulcrumError `usage` when the graph is compiled; TrustValueError when a name is none that a fleet would take */
  constructor(
    private readonly graph: Graph,
    trust: Trust,
    private readonly options: TrustAwareGraphOptions = {},
  ) {
    if (typeof graph.compile !== 'function')
      throw new FulcrumError(
        'usage',
        'TrustAwareGraph wraps a StateGraph that is not compiled yet: hand in the graph without .compile()',
      );
    const { agentA = 'orchestrator', agentB = 'worker', agents = () => [agentA, agentB] as const } = options;
    for (const node of Object.keys(graph.nodes)) {
      const pair = agents(node);
      if (pair === null) continue;
      checkName('agentA', pair[0]);
      checkName('agentB', pair[1]);
      this.pairs.set(node, pair);
    }
    const concerned = new Set([...this.pairs.values()].map(inOrder));
    this.judge = judgeOf(trust, options.classifier, (pair) => concerned.has(inOrder(pair)));
  }

  /** Calls back whenever trust was judged; with a fleet whenever the circuit of one of the graph's pairs moved. */
  onTrustChange(listener: (update: TrustUpdate) => void): this {
    this.judge.on('trustChange', listener);
    return this;
  }

  /** Calls back when the circuit of one of the graph's pairs opened. */
  onCircuitBreak(listener: (update: TrustUpdate) => void): this {
    this.judge.on('circuitBreak', listener);
    return this;
  }

  /** Calls back when a circuit that was open is not any more. */
  onRecovery(listener: (update: TrustUpdate) => void): this {
    this.judge.on('recovery', listener);
    return this;
  }

  /** Compiles the graph under trust; takes what the graph's own `compile` takes. */
  compile(...options: Parameters<Graph['compile']>): ReturnType<Graph['compile']> {
    const copy: AnyStateGraph = Object.assign(Object.create(Object.getPrototypeOf(this.graph)), this.graph, {
      nodes: this.nodes(),
      edges: new Set(),
      branches: {},
      waitingEdges: new Set(),
    });
    this.addEdges(copy);
    this.addBranches(copy);
    return copy.compile(...options) as ReturnType<Graph['compile']>;
  }

  private nodes(): AnyStateGraph['nodes'] {
    const nodes: AnyStateGraph['nodes'] = {};
    for (const [name, spec] of Object.entries(this.graph.nodes)) {
      const pair = this.pairs.get(name);
      // A handler of errors answers for the node that failed, which was counted.
      const isWatched = pair !== undefined && spec.isErrorHandler !== true;
      nodes[name] = isWatched
        ? { ...spec, runnable: new TrustedNode(name, pair, spec.runnable, this.judge, this.options.content) }
        : spec;
    }
    return nodes;
  }

  private addEdges(copy: AnyStateGraph): void {
    for (const [from, to] of this.graph.edges) this.addEdge(copy, from, to);
    for (const [starts, to] of this.graph.waitingEdges) {
      const [start] = starts;
      if (starts.length === 1 && start !== undefined) this.addEdge(copy, start, to);
      // A node that waits for several does not run while its pair is open: it looks by itself.
      else copy.waitingEdges.add([starts, to]);
    }
  }

  private addEdge(copy: AnyStateGraph, from: string, to: string): void {
    const pair = this.pairs.get(from);
    if (pair === undefined || to === END) {
      copy.edges.add([from, to]);
      return;
    }
    const route = new Route(`trust: ${to}`, async () => ((await this.judge.isOpen(pair)) ? END : to));
    copy.addConditionalEdges(from, route, [to, END]);
  }

  private addBranches(copy: AnyStateGraph): void {
    for (const [from, branches] of Object.entries(this.graph.branches)) {
      const pair = from === START ? undefined : this.pairs.get(from);
      const known = copy.branches[from] ?? {};
      copy.branches[from] = known;
      for (const [name, branch] of Object.entries(branches)) {
        if (pair === undefined) {
          known[name] = branch;
          continue;
        }
        const { path, ends } = branch;
        const route = new Route(name, async (state, config) =>
          (await this.judge.isOpen(pair)) ? END : path.invoke(state, config),
        );
        known[name] = Object.assign(Object.create(Object.getPrototypeOf(branch)), branch, {
          path: route,
          ...(ends === undefined ? undefined : { ends: { ...ends, [END]: END } }),
        });
      }
    }
  }
}

/** Where an edge may lead. */
type Destination = string | Send | (string | Send)[];

/** Decides where to go on. */
class Route extends Runnable<unknown, Destination> {
  readonly lc_namespace = ['fulcrum-trust', 'langgraph'];

  constructor(
    override readonly name: string,
    private readonly decide: (state: unknown, config: RunnableConfig | undefined) => Promise<Destination>,
  ) {
    super();
  }

  override getName(): string {
    return this.name;
  }

  invoke(state: unknown, config?: RunnableConfig): Promise<Destination> {
    return this.decide(state, config);
  }
}

/** A node under trust. It runs as the node does, in the same context, so that what it streams comes through. */
class TrustedNode extends Runnable<unknown, unknown> {
  readonly lc_namespace = ['fulcrum-trust', 'langgraph'];

  constructor(
    override readonly name: string,
    private readonly agents: AgentPair,
    private readonly inner: Runnable<unknown, unknown>,
    private readonly judge: Judge,
    private readonly content: TrustAwareGraphOptions['content'],
  ) {
    super();
  }

  async invoke(state: unknown, config?: RunnableConfig): Promise<unknown> {
    const { name, agents, inner, content } = this;
    let isMade = false;
    try {
      return await this.judge.call({
        agents,
        run: (signal) => {
          isMade = true;
          return inner.invoke(state, signal === undefined ? config : { ...config, signal });
        },
        judge: (answer, classifier) => outcomeOf(state, answer, classifier),
        isNoFailure: isGraphBubbleUp,
        sessionId: sessionOf(config),
        task: name,
        content: content === undefined ? undefined : (answer) => content(name, updateOf(answer)),
        signal: config?.signal,
      });
    } catch (error) {
      // The node did not run; its edges lead to END.
      if (error instanceof TrustCircuitOpen && !isMade) return null;
      throw error;
    }
  }
}

/** What came of a node; null: it only says where to go on. */
function outcomeOf(state: unknown, answer: unknown, classifier: Classifier): TrustOutcome | null {
  const update = updateOf(answer);
  return update === routesOnly ? null : classifier.classify(state, update);
}

const routesOnly = Symbol('a node that only says where to go on');

/** The update that a node answers: itself, or what its Commands say. */
function updateOf(answer: unknown): unknown {
  const answers = Array.isArray(answer) && answer.some(isCommand) ? answer : [answer];
  if (!answers.some(isCommand)) return answer;
  const updates = answers.flatMap((one) => (isCommand(one) ? (one.update ?? []) : one));
  if (updates.length === 0) return routesOnly;
  const isPairs = updates.every((update) => Array.isArray(update) && update.length === 2);
  return isPairs ? Object.fromEntries(updates) : Object.assign({}, ...updates);
}

function sessionOf(config: RunnableConfig | undefined): string | undefined {
  const thread: unknown = config?.configurable?.['thread_id'];
  return typeof thread === 'string' ? thread : undefined;
}

function inOrder([agentA, agentB]: AgentPair): string {
  return agentA < agentB ? `${agentA}\n${agentB}` : `${agentB}\n${agentA}`;
}
