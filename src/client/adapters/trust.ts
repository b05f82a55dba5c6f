/** What an adapter needs of trust, whether it lies in this process or with a fleet. */
import type { TrustManager } from '../../manager.js';
import { TrustCircuitOpen } from '../../trust/errors.js';
import { TrustOutcome } from '../../trust/outcome.js';
import type { TrustState } from '../../trust/state.js';
import type { CircuitChange } from '../circuit.js';
import { type Classifier, OutcomeClassifier } from '../classifier.js';
import type { Fleet } from '../fleet.js';
import { Listeners } from '../listeners.js';

/** Where trust is kept: in this process, or with a fleet that `connectFleet` connected to. */
export type Trust = TrustManager | Fleet;

/** How a pair stands. */
export type TrustUpdate = Pick<TrustState, 'pairId' | 'agentA' | 'agentB' | 'trustScore' | 'circuitState'>;

export type TrustEvents = {
  /** With a TrustManager: every interaction was judged. With a fleet: the pair's circuit moved. */
  readonly trustChange: readonly [update: TrustUpdate];
  /** The pair's circuit opened. */
  readonly circuitBreak: readonly [update: TrustUpdate];
  /** The pair's circuit was open, and is not any more. */
  readonly recovery: readonly [update: TrustUpdate];
};

/** Who calls, and who is called. */
export type AgentPair = readonly [agentA: string, agentB: string];

/** A call between two agents that is judged by its answer. */
export interface JudgedCall<T> {
  readonly agents: AgentPair;
  /** The signal fires when the pair's circuit opens meanwhile, where that can be known. */
  readonly run: (signal: AbortSignal | undefined) => Promise<T>;
  /** Null: the answer says nothing of the pair. */
  readonly judge: (answer: T, classifier: Classifier) => TrustOutcome | null;
  /** Whether what was thrown says nothing of the pair. @defaultValue never */
  readonly isNoFailure?: (thrown: unknown) => boolean;
  readonly sessionId?: string | undefined;
  readonly task?: string | undefined;
  readonly content?: ((answer: T) => string | undefined) | undefined;
  /** Ends the call; one that then throws is not counted. */
  readonly signal?: AbortSignal | undefined;
}

/** Calls under trust. */
export interface Judge {
  /** @throws TrustCircuitOpen when the call was not made; whatever it throws */
  call<T>(call: JudgedCall<T>): Promise<T>;
  /** Whether calls of the pair have to stop. */
  isOpen(agents: AgentPair): boolean | Promise<boolean>;
  on<Name extends keyof TrustEvents>(name: Name, listener: (...args: TrustEvents[Name]) => void): () => void;
}

/** @param concerns the pairs whose changes are told of */
export function judgeOf(
  trust: Trust,
  classifier: Classifier | undefined,
  concerns: (pair: AgentPair) => boolean,
): Judge {
  return 'circuits' in trust
    ? new FleetJudge(trust, classifier, concerns)
    : new ManagerJudge(trust, classifier ?? new OutcomeClassifier());
}

class ManagerJudge implements Judge {
  private readonly listeners = new Listeners<TrustEvents>();
  /** Pairs that were open when they were last looked at. */
  private readonly open = new Set<string>();

  constructor(
    private readonly trust: TrustManager,
    private readonly classifier: Classifier,
  ) {}

  on: Judge['on'] = (name, listener) => this.listeners.add(name, listener);

  async isOpen(agents: AgentPair): Promise<boolean> {
    return this.trust.isOpen(...agents);
  }

  async call<T>(call: JudgedCall<T>): Promise<T> {
    const { agents } = call;
    if (await this.looks(agents)) throw await this.refusal(agents);
    let answer: T;
    try {
      answer = await call.run(call.signal);
    } catch (thrown) {
      const isOurs = call.signal?.aborted === true || call.isNoFailure?.(thrown) === true;
      if (!isOurs) await this.record(agents, TrustOutcome.FAILURE);
      throw thrown;
    }
    const outcome = call.judge(answer, this.classifier);
    if (outcome !== null) await this.record(agents, outcome);
    return answer;
  }

  private async record(agents: AgentPair, outcome: TrustOutcome): Promise<void> {
    this.listeners.tell('trustChange', await this.trust.evaluate(...agents, outcome));
    await this.looks(agents);
  }

  /** Whether the pair is open now, and tells when that changed since it was last asked. */
  private async looks(agents: AgentPair): Promise<boolean> {
    const isOpen = await this.trust.isOpen(...agents);
    const state = await this.trust.getState(...agents);
    const name = [...agents].sort().join('\n');
    const was = this.open.has(name);
    if (isOpen) this.open.add(name);
    else this.open.delete(name);
    // What was reset has no state, and nothing to tell of it but that it may go on.
    if (isOpen !== was && state !== null) this.listeners.tell(isOpen ? 'circuitBreak' : 'recovery', state);
    return isOpen;
  }

  private async refusal(agents: AgentPair): Promise<TrustCircuitOpen> {
    const { threshold, opening } = this.trust.config;
    const state = await this.trust.getState(...agents);
    const reason =
      state?.circuitState === 'TERMINATED' ? 'terminated' : opening === 'mean' ? 'score' : 'change';
    return new TrustCircuitOpen(
      state?.pairId ?? '',
      await this.trust.getTrustScore(...agents),
      threshold,
      reason,
    );
  }
}

class FleetJudge implements Judge {
  constructor(
    private readonly fleet: Fleet,
    private readonly classifier: Classifier | undefined,
    private readonly concerns: (pair: AgentPair) => boolean,
  ) {}

  on: Judge['on'] = (name, listener) => {
    const heard = (change: CircuitChange): void => {
      if (this.concerns([change.agentA, change.agentB])) listener(updateOf(change));
    };
    const { circuits } = this.fleet;
    switch (name) {
      case 'trustChange':
        return circuits.on('change', heard);
      case 'circuitBreak':
        return both(circuits.on('opened', heard), circuits.on('terminated', heard));
      default:
        return both(circuits.on('closed', heard), circuits.on('reset', heard));
    }
  };

  isOpen(agents: AgentPair): boolean {
    return this.fleet.circuits.isOpen(...agents);
  }

  async call<T>({
    agents,
    run,
    judge,
    isNoFailure,
    sessionId,
    task,
    content,
    signal,
  }: JudgedCall<T>): Promise<T> {
    const classifier = this.classifier ?? this.fleet.classifier;
    // What is thrown and says nothing of the pair goes past the guard, which would count it.
    const made = await this.fleet.guard(
      ...agents,
      async (opened): Promise<Made<T>> => {
        try {
          return { answer: await run(opened), thrown: null };
        } catch (thrown) {
          if (isNoFailure?.(thrown) === true) return { answer: null, thrown: { value: thrown } };
          throw thrown;
        }
      },
      {
        sessionId,
        task,
        signal,
        content:
          content === undefined
            ? undefined
            : (one) => (one.thrown === null ? content(one.answer) : undefined),
        classify: (one) => (one.thrown === null ? judge(one.answer, classifier) : null),
      },
    );
    if (made.thrown !== null) throw made.thrown.value;
    return made.answer;
  }
}

type Made<T> =
  | { readonly answer: T; readonly thrown: null }
  | { readonly answer: null; readonly thrown: { readonly value: unknown } };

function updateOf({ pairId, agentA, agentB, trustScore, state }: CircuitChange): TrustUpdate {
  return { pairId, agentA, agentB, trustScore, circuitState: state };
}

function both(...offs: readonly (() => void)[]): () => void {
  return () => {
    for (const off of offs) off();
  };
}
