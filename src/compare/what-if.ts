/** Which circuits of a log would have opened under other policies. */
import type { InteractionToApply } from '../ports.js';
import type { CircuitState } from '../trust/circuit.js';
import type { PolicyBook } from '../trust/policies.js';
import { type Pair, unknownPair } from '../trust/record.js';
import { applyInteraction, recover } from '../trust/step.js';
import type { Transition } from '../trust/transition.js';

/** Policies that a log is judged by. */
export interface Policies {
  readonly book: PolicyBook;
  /** Circuits of silent pairs recover by time. */
  readonly timedRecovery: boolean;
}

/** One pair under one set of policies. */
export interface PairFigures {
  /** Name of the policy that holds for the pair. */
  readonly policy: string;
  /** false: shadow mode, nobody would have had to stop. */
  readonly enforced: boolean;
  /** Seconds since the epoch, in the order in which it opened. */
  readonly openedAt: readonly number[];
  /** With the last event of the log, and what was due by then. */
  readonly endsAs: CircuitState;
}

/** All pairs under one set of policies. */
export interface SideFigures {
  /** Pairs whose circuit opened at least once. */
  readonly pairsOpened: number;
  /** Of these, pairs whose policy makes callers stop. */
  readonly pairsStopped: number;
  readonly openings: number;
  readonly openAtEnd: number;
}

/** A pair whose circuit opened on one side at least. */
export interface PairComparison {
  readonly tenant: string;
  readonly agentA: string;
  readonly agentB: string;
  readonly current: PairFigures;
  readonly whatIf: PairFigures;
}

export interface WhatIfFigures {
  /** Pairs of the log, opened or not. */
  readonly pairs: number;
  readonly current: SideFigures;
  readonly whatIf: SideFigures;
  /** By the first opening on either side. */
  readonly opened: readonly PairComparison[];
}

interface Followed {
  readonly event: InteractionToApply;
  readonly current: PairCircuit;
  readonly whatIf: PairCircuit;
}

/** Follows the pairs of a log under two sets of policies at once. */
export class WhatIf {
  private readonly pairs = new Map<string, Followed>();
  private lastTime = 0;

  constructor(
    private readonly current: Policies,
    private readonly whatIf: Policies,
  ) {}

  /** Takes the events of a log in its order. */
  event(event: InteractionToApply): void {
    const key = `${event.tenant}/${event.pairId}`;
    let pair = this.pairs.get(key);
    if (pair === undefined) {
      pair = {
        event,
        current: new PairCircuit(event, this.current),
        whatIf: new PairCircuit(event, this.whatIf),
      };
      this.pairs.set(key, pair);
    }
    pair.current.event(event);
    pair.whatIf.event(event);
    this.lastTime = Math.max(this.lastTime, event.time);
  }

  figures(): WhatIfFigures {
    const all = [...this.pairs.values()].map(({ event: { tenant, agentA, agentB }, current, whatIf }) => ({
      tenant,
      agentA,
      agentB,
      current: current.figures(this.lastTime),
      whatIf: whatIf.figures(this.lastTime),
    }));
    return {
      pairs: all.length,
      current: sideOf(all.map(({ current }) => current)),
      whatIf: sideOf(all.map(({ whatIf }) => whatIf)),
      opened: all
        .filter((pair) => firstOpening(pair) < Number.POSITIVE_INFINITY)
        .sort((a, b) => firstOpening(a) - firstOpening(b)),
    };
  }
}

/** The circuit of one pair, as a processor moves it. */
class PairCircuit {
  private pair: Pair;
  private readonly openedAt: number[] = [];
  private readonly policy;
  private readonly rules;

  constructor(names: InteractionToApply, { book, timedRecovery }: Policies) {
    this.pair = unknownPair(names);
    this.policy = book.policyOf(names.tenant, names.agentA, names.agentB);
    // Numbers of a log's probes are of the circuits of its own time.
    this.rules = { timedRecovery, nowMs: 0, publishes: false };
  }

  event(event: InteractionToApply): void {
    const { pair, transitions } = applyInteraction(this.pair, event, '', this.policy, this.rules);
    this.pair = pair;
    this.note(transitions);
  }

  figures(endsAt: number): PairFigures {
    const { policy, rules } = this;
    const last = rules.timedRecovery
      ? (recover(this.pair, endsAt, policy, rules)?.pair ?? this.pair)
      : this.pair;
    const endsAs = last.state?.circuitState ?? 'CLOSED';
    return { policy: policy.name, enforced: policy.enforced, openedAt: this.openedAt, endsAs };
  }

  private note(transitions: readonly Transition[]): void {
    for (const { to, occurredAt } of transitions) if (to === 'OPEN') this.openedAt.push(occurredAt);
  }
}

function sideOf(pairs: readonly PairFigures[]): SideFigures {
  const opened = pairs.filter(({ openedAt }) => openedAt.length > 0);
  return {
    pairsOpened: opened.length,
    pairsStopped: opened.filter(({ enforced }) => enforced).length,
    openings: opened.reduce((sum, { openedAt }) => sum + openedAt.length, 0),
    openAtEnd: opened.filter(({ endsAs }) => endsAs === 'OPEN').length,
  };
}

function firstOpening({ current, whatIf }: PairComparison): number {
  return Math.min(
    current.openedAt[0] ?? Number.POSITIVE_INFINITY,
    whatIf.openedAt[0] ?? Number.POSITIVE_INFINITY,
  );
}
