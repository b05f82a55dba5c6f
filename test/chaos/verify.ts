/** Compares what the processors made of the input logs with what had to come of them. */
import { setTimeout as pause } from 'node:timers/promises';
import { decay } from '../../src/trust/decay.js';
import { recoversAt } from '../../src/trust/forecast.js';
import { PolicyBook } from '../../src/trust/policies.js';
import type { Pair } from '../../src/trust/record.js';
import { recover } from '../../src/trust/step.js';
import type { LogRecord } from './broker.js';
import { Circuits } from './circuits.js';
import { policies } from './load.js';
import { Reference } from './reference.js';
import type { Theatre } from './theatre.js';

/** Evidence may differ by this part of it. */
const tolerance = 1e-9;
/** How long the last recoveries may take to be made and published, in ms. */
const settleMs = 10_000;
const readAtATime = 500;
/** How long after it was due a recovery may be made, in seconds: marks are written and recoveries made every second. */
const sweepSeconds = 5;

/** What was found, and how much there was of it. */
export interface Verdict {
  /** Empty: all is as promised. */
  readonly faults: readonly string[];
  readonly pairs: number;
  /** Interactions that the pairs should have counted since their last reset, and those that they did. */
  readonly expected: number;
  readonly counted: number;
  /** Of pairs that counted too many, and of those that counted too few. */
  readonly tooMany: number;
  readonly tooFew: number;
}

/** What a run came to, in records of the logs. */
export interface Figures {
  readonly messages: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly commands: number;
  readonly transitions: number;
  readonly underChange: number;
  readonly repeats: number;
  readonly lateRepeats: number;
  /** The broker had taken them, and does not have them. */
  readonly lostByBroker: number;
}

export class Verifier {
  readonly reference: Reference;
  readonly circuits = new Circuits();
  private readonly deadLetters = new Set<string>();
  /** Records of the input logs. */
  read = 0;
  /** A server has lost writes that it had taken. */
  writesWereLost = false;

  constructor(private readonly servers: Pick<Theatre, 'broker' | 'redis'>) {
    this.reference = new Reference(new PolicyBook({ version: 0, default: {}, policies }));
  }

  /** @param taken messages that the broker has taken */
  figures(taken: number): Figures {
    const { accepted, duplicates, refused, commands } = this.reference;
    const { transitions, underChange, repeats, lateRepeats } = this.circuits;
    const lostByBroker = Math.max(0, taken - this.read);
    const messages = this.read;
    return {
      messages,
      accepted,
      duplicates,
      refused,
      commands,
      transitions,
      underChange,
      repeats,
      lateRepeats,
      lostByBroker,
    };
  }

  /**
   * Reads what the logs hold since the last time, and looks at every pair. Recoveries may be under way, so what is not
   * as it should be is looked at again for a while.
   */
  async verify(patienceMs = settleMs): Promise<Verdict> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      for await (const record of this.servers.broker.read()) this.take(record);
      const pairs = await this.readPairs();
      const verdict = this.judge(pairs);
      if (verdict.faults.length === 0 || performance.now() > deadline) return verdict;
      await pause(300);
    }
  }

  private take(record: LogRecord): void {
    switch (record.channel) {
      case 'interactions':
        this.read++;
        this.reference.addInteraction(record);
        break;
      case 'commands':
        this.read++;
        this.reference.addCommand(record);
        break;
      case 'circuits':
        this.circuits.add(record);
        break;
      case 'dead-letters':
        this.deadLetters.add(record.headers['dlq-id'] ?? '');
    }
  }

  private async readPairs(): Promise<ReadonlyMap<string, Pair | null>> {
    const keys = [...this.reference.keys];
    const pairs = new Map<string, Pair | null>();
    for (let from = 0; from < keys.length; from += readAtATime) {
      const read = keys.slice(from, from + readAtATime).map(async (key) => {
        const [tenant = '', pairId = ''] = key.split('/');
        pairs.set(key, await this.servers.redis.read(tenant, pairId));
      });
      await Promise.all(read);
    }
    return pairs;
  }

  private judge(pairs: ReadonlyMap<string, Pair | null>): Verdict {
    const now = Date.now() / 1_000;
    const faults = this.circuits.check(this.writesWereLost);
    const sums = { expected: 0, counted: 0, tooMany: 0, tooFew: 0 };
    for (const [key, pair] of pairs) {
      const counted = pair?.state?.interactionCount ?? 0;
      const expected = this.expectedOf(key, counted);
      const due = expected.state?.interactionCount ?? 0;
      sums.expected += due;
      sums.counted += counted;
      sums.tooMany += Math.max(0, counted - due);
      sums.tooFew += Math.max(0, due - counted);
      if (counted !== due) faults.push(`${key} counted ${counted} interactions, and ${due} were accepted`);
      else faults.push(...this.compare(key, pair, expected, now));
      faults.push(...this.compareLastKnown(key, pair));
    }
    if (this.deadLetters.size !== this.reference.refused)
      faults.push(`${this.deadLetters.size} dead letters for ${this.reference.refused} refused events`);
    return { faults, pairs: pairs.size, ...sums };
  }

  /**
   * Of two resets that were lost the later one may have come back first: what was applied before the earlier one came
   * back stays counted (docs/recovery.md).
   */
  private expectedOf(key: string, counted: number): Pair {
    const expected = this.reference.pair(key, this.circuits.resets);
    if (!this.writesWereLost || expected.state?.interactionCount === counted) return expected;
    const other = this.reference.pair(key, this.circuits.resets, 'last');
    return other.state?.interactionCount === counted ? other : expected;
  }

  /** Evidence at a common time; and the circuit, where it does not depend on the order in which events came. */
  private compare(key: string, pair: Pair | null, reference: Pair, now: number): string[] {
    const policy = this.reference.policyOf(key);
    const expected =
      recover(reference, now, policy, { timedRecovery: true, nowMs: 0 })?.pair.state ?? reference.state;
    const state = pair?.state ?? null;
    if (state === null || expected === null)
      return state === expected
        ? []
        : [`${key} ${state === null ? 'has no state' : 'has a state'} after a reset`];
    const t = Math.max(now, state.lastUpdated, expected.lastUpdated);
    const { halfLifeSeconds, recoveryCooldownSeconds, opening } = policy.config;
    const is = decay(state, t - state.lastUpdated, halfLifeSeconds);
    const due = decay(expected, t - expected.lastUpdated, halfLifeSeconds);
    const faults: string[] = [];
    for (const name of ['alpha', 'beta'] as const)
      if (!(Math.abs(is[name] - due[name]) <= tolerance * due[name]))
        faults.push(`${key} has ${name} ${is[name]}, and it should be ${due[name]}`);
    const terminated = [state, expected].some(({ circuitState }) => circuitState === 'TERMINATED');
    const dueAt = recoversAt(state, policy.config) ?? Number.NEGATIVE_INFINITY;
    // The sweep may not have come to it yet.
    const justDue = dueAt <= now && dueAt > now - sweepSeconds;
    const isKnown = (recoveryCooldownSeconds === null && opening === 'mean') || terminated;
    if (isKnown && !justDue && state.circuitState !== expected.circuitState)
      faults.push(`${key} is ${state.circuitState}, and it should be ${expected.circuitState}`);
    return faults;
  }

  private compareLastKnown(key: string, pair: Pair | null): string[] {
    const known = this.circuits.lastKnown(key);
    const transition = pair?.transition ?? 0;
    const circuit = pair?.state?.circuitState ?? 'CLOSED';
    if (known === null)
      return transition === 0 ? [] : [`${key} is ${circuit} by ${transition}, which was never published`];
    if (known.transition === transition && known.to === circuit) return [];
    return [
      `${key} is ${circuit} by ${transition}, and a new reader takes it for ${known.to} by ${known.transition}`,
    ];
  }
}
