import { systemClock } from './clock.js';
import { runInContext } from './context.js';
import { FulcrumError } from './errors.js';
import type { ApplyResult, Awaitable, Clock, CommandResult, StoreRules, TrustStore } from './ports.js';
import { MemoryStore } from './store/memory.js';
import { WriteBehindStore } from './store/write-behind.js';
import { type AgentState, agentStates } from './trust/agent-state.js';
import { score } from './trust/beta.js';
import type { CircuitState } from './trust/circuit.js';
import type { CommandAction } from './trust/command.js';
import type { TrustConfig, TrustConfigOptions } from './trust/config.js';
import { TrustCircuitOpen } from './trust/errors.js';
import { checkOutcome, TrustEvaluator, transitionClock } from './trust/evaluator.js';
import type { TrustOutcome } from './trust/outcome.js';
import { makePairId } from './trust/pair.js';
import type { Policy } from './trust/policy.js';
import { checkTime, isPairOf, type TrustState } from './trust/state.js';

/** Tells others about circuits as they change: agent keys in Redis, telemetry on NATS, a log. */
export interface TrustBridge {
  /** Called for both agents of a pair, in the caller's order. A promise is awaited; what it throws is thrown on. */
  publish(update: AgentUpdate): Awaitable<void>;
}

/** How an agent stands after one of its pairs was evaluated. */
export interface AgentUpdate {
  readonly agentId: string;
  /** 0 CLOSED, 1 HALF_OPEN, 2 OPEN, 3 TERMINATED. */
  readonly state: AgentState;
  /** Of the pair that was evaluated, in [0, 1]. */
  readonly trustScore: number;
  readonly pairId: string;
}

/** Where trust is kept, and by which rules. */
export interface TrustManagerOptions {
  /** Where the state is kept. @defaultValue a new MemoryStore */
  readonly store?: TrustStore;
  /** What differs from the default rules. */
  readonly config?: TrustConfigOptions;
  /** Seconds since the epoch. @defaultValue the system's clock */
  readonly clock?: Clock;
  /**
   * `evaluate` answers from memory and the store is written behind, in batches and in order. `flush()` waits
   * for it, and the process stays alive until it is done. @defaultValue false
   */
  readonly asyncFlush?: boolean;
  readonly bridge?: TrustBridge;
}

/** Of one evaluation. */
export interface EvaluateOptions {
  /**
   * Throw TrustCircuitOpen, once the state is stored, when the score is below the threshold; under `opening: change`,
   * when the circuit is OPEN. @defaultValue false
   */
  readonly raiseOnBreak?: boolean;
  /** Number of the transition that half-opened the circuit under which the call ran, for `probes: leased`. */
  readonly probe?: number;
}

const tenant = 'default';
const rules: StoreRules = { timedRecovery: false, streamed: false };

/** Trust between pairs of agents, in this process: no server, no stream. */
export class TrustManager {
  private readonly store: TrustStore;
  private readonly behind: WriteBehindStore | null;
  private readonly evaluator: TrustEvaluator;
  private readonly clock: Clock;
  private readonly bridge: TrustBridge | null;
  private readonly policies: readonly [Policy];
  private commands = 0;
  /** The highest transition of a pair that was reset: its numbers go on above it, also within one millisecond. */
  private resetTransition = 0;

  /** @throws TrustValueError when a knob of the config is out of range. */
  constructor(options: TrustManagerOptions = {}) {
    const store = options.store ?? new MemoryStore();
    this.behind = options.asyncFlush === true ? new WriteBehindStore(store) : null;
    this.store = this.behind ?? store;
    this.evaluator = new TrustEvaluator(options.config);
    this.clock = options.clock ?? systemClock;
    this.bridge = options.bridge ?? null;
    this.policies = [{ name: 'default', version: 0, config: this.evaluator.config, enforced: true }];
  }

  /** The rules it judges by, complete. */
  get config(): TrustConfig {
    return this.evaluator.config;
  }

  /**
   * Records the outcome of one interaction, at the clock's time, and returns the pair's new state.
   *
   * @throws TrustCircuitOpen when `raiseOnBreak` is set and the stored score is below the threshold (under `opening:
   *   change`: the circuit is OPEN) or the pair is TERMINATED.
   * @throws TrustValueError for an unknown outcome, a name that is not well-formed Unicode or a clock that
   *   does not give a finite time.
   */
  async evaluate(
    agentA: string,
    agentB: string,
    outcome: TrustOutcome,
    options: EvaluateOptions = {},
  ): Promise<TrustState> {
    checkOutcome(outcome);
    const pairId = makePairId(agentA, agentB);
    const state = runInContext({ pairId }, this.record, {
      pairId,
      agentA,
      agentB,
      outcome,
      probe: options.probe,
    });
    const stored = state instanceof Promise ? await state : state;
    if (options.raiseOnBreak === true && this.evaluator.isBroken(stored)) throw this.circuitOpen(stored);
    return stored;
  }

  private readonly record = (request: {
    pairId: string;
    agentA: string;
    agentB: string;
    outcome: TrustOutcome;
    probe: number | undefined;
  }): Awaitable<TrustState> => {
    const time = this.now();
    const results = this.store.apply({
      events: [
        {
          tenant,
          pairId: request.pairId,
          agentA: request.agentA,
          agentB: request.agentB,
          outcome: request.outcome,
          time,
          weight: 1,
          eventId: '',
          duplicateKey: null,
          position: null,
          policy: 0,
          traceparent: null,
          probe: request.probe,
        },
      ],
      policies: this.policies,
      rules,
      nowMs: this.nowMs(time),
    });
    return results instanceof Promise
      ? results.then((applied) => this.conclude(request.agentA, request.agentB, applied[0]))
      : this.conclude(request.agentA, request.agentB, results[0]);
  };

  private conclude(agentA: string, agentB: string, result: ApplyResult | undefined): Awaitable<TrustState> {
    if (result?.kind !== 'applied' || result.state === null) throw refusal(result);
    const { state, transitions } = result;
    if (transitions.length === 0 || this.bridge === null) return state;
    return this.tell(agentA, agentB, state, state.circuitState).then(() => state);
  }

  /** The score decayed to now; the prior's for a pair never seen. Nothing is written. */
  async getTrustScore(agentA: string, agentB: string): Promise<number> {
    return this.look(agentA, agentB, (state) =>
      state === null ? this.priorScore : this.evaluator.scoreAt(state, this.now()),
    );
  }

  /**
   * Whether the pair is TERMINATED or its score, decayed to now, is below the threshold; false if never seen. Under
   * `opening: change`: whether it is TERMINATED, or OPEN and its cooldown is not over.
   */
  async shouldTerminate(agentA: string, agentB: string): Promise<boolean> {
    return this.look(
      agentA,
      agentB,
      (state) => state !== null && this.evaluator.shouldTerminate(state, this.now()),
    );
  }

  /**
   * Whether calls of the pair have to wait: its circuit is TERMINATED, or OPEN and an interaction could not move it yet.
   * Unlike `shouldTerminate` it lets the probe of a circuit through whose cooldown is over. False if never seen.
   */
  async isOpen(agentA: string, agentB: string): Promise<boolean> {
    return this.look(agentA, agentB, (state) => state !== null && this.evaluator.isOpen(state, this.now()));
  }

  /** The state as stored, not decayed, or null for a pair never seen. */
  async getState(agentA: string, agentB: string): Promise<TrustState | null> {
    return this.look(agentA, agentB, (state) => state);
  }

  /** Forgets the pair: its next interaction is its first. */
  async reset(agentA: string, agentB: string): Promise<void> {
    const result = await this.command('reset', agentA, agentB);
    if (result.before === null) return;
    for (const { transition } of result.transitions)
      this.resetTransition = Math.max(this.resetTransition, transition);
    const fresh = { pairId: result.before.pairId, trustScore: this.priorScore };
    await this.tell(agentA, agentB, fresh, 'CLOSED');
  }

  /** The kill switch: the pair stays TERMINATED, whatever its score, until it is reset. */
  async terminate(agentA: string, agentB: string): Promise<void> {
    const { state } = await this.command('terminate', agentA, agentB);
    if (state !== null) await this.tell(agentA, agentB, state, 'TERMINATED');
  }

  /** Waits until all that `asyncFlush` holds back is in the store. @throws what the store threw */
  async flush(): Promise<void> {
    await this.behind?.flush();
  }

  /** Flushes, then closes the store. */
  async close(): Promise<void> {
    await this.store.close();
  }

  /** Reads a pair and answers from its state, all of it in the pair's context. */
  private look<R>(agentA: string, agentB: string, answer: (state: TrustState | null) => R): Promise<R> {
    const pairId = makePairId(agentA, agentB);
    const read = async (): Promise<R> => {
      const pair = await this.store.read(tenant, pairId);
      return answer(pair !== null && isPairOf(pair, { agentA, agentB }) ? pair.state : null);
    };
    return runInContext({ pairId }, read, undefined);
  }

  private async command(
    action: CommandAction,
    agentA: string,
    agentB: string,
  ): Promise<Extract<CommandResult, { kind: 'applied' }>> {
    const pairId = makePairId(agentA, agentB);
    const result = await runInContext(
      { pairId },
      () => {
        const time = this.now();
        return this.store.command({
          tenant,
          pairId,
          agentA,
          agentB,
          action,
          time,
          actor: 'TrustManager',
          reason: '',
          eventId: String(++this.commands),
          policy: this.policies[0],
          rules,
          nowMs: this.nowMs(time),
          traceparent: null,
        });
      },
      undefined,
    );
    if (result.kind !== 'applied') throw refusal(result);
    return result;
  }

  private async tell(
    agentA: string,
    agentB: string,
    about: { readonly pairId: string; readonly trustScore: number },
    circuitState: CircuitState,
  ): Promise<void> {
    const { pairId, trustScore } = about;
    const state = agentStates[circuitState];
    for (const agentId of [agentA, agentB])
      await runInContext(
        { pairId },
        () => this.bridge?.publish({ agentId, state, trustScore, pairId }),
        undefined,
      );
  }

  private circuitOpen({ pairId, trustScore, circuitState }: TrustState): TrustCircuitOpen {
    const { threshold, opening } = this.config;
    const reason = opening === 'mean' ? undefined : circuitState === 'OPEN' ? 'change' : 'terminated';
    return new TrustCircuitOpen(pairId, trustScore, threshold, reason);
  }

  /** The score of a pair never seen. */
  private get priorScore(): number {
    return score({ alpha: this.config.alphaPrior, beta: this.config.betaPrior });
  }

  private nowMs(time: number): number {
    return Math.max(transitionClock(time), this.resetTransition + 1);
  }

  private now(): number {
    const t = this.clock();
    checkTime(t);
    return t;
  }
}

function refusal(result: ApplyResult | undefined): Error {
  if (result?.kind === 'failed') return result.error;
  if (result?.kind === 'rejected')
    return new FulcrumError('state_unreadable', `the store refused the pair: ${result.detail}`);
  return new FulcrumError(
    'conflict',
    `the store answered ${result?.kind ?? 'nothing'} to an event without position`,
  );
}
