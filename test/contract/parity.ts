import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TrustManager } from '../../src/manager.js';
import type { TrustStore } from '../../src/ports.js';
import type { CircuitState } from '../../src/trust/circuit.js';
import { TrustConfig } from '../../src/trust/config.js';
import { TrustCircuitOpen } from '../../src/trust/errors.js';
import type { TrustOutcome } from '../../src/trust/outcome.js';
import { makePairId } from '../../src/trust/pair.js';
import type { TrustState } from '../../src/trust/state.js';
import { readJsonLines, sharedFile } from '../helpers/shared.js';

/** How the suite gets a store, and how an operator's hand reaches into it. */
export interface StoreUnderParity {
  readonly name: string;
  open(): Promise<TrustStore>;
  /** Sets circuit and openedAt of a stored pair behind the manager's back. */
  force(
    store: TrustStore,
    pairId: string,
    circuitState: CircuitState,
    openedAt: number | null,
  ): Promise<void>;
  /** Lines of the long file that are run; a store that syncs a whole file a call takes fewer. @defaultValue all */
  readonly otcLines?: number;
  readonly randomSequences?: number;
}

type Expected = [number, number, number, CircuitState, number, number, number | null];

interface Op {
  op: 'E' | 'Q' | 'G' | 'T' | 'R' | 'F';
  a: number;
  b: number;
  t: number;
  o?: TrustOutcome;
  raise_on_break?: boolean;
  raised?: boolean;
  x?: Expected | null;
  pub?: [string, number][];
  score?: number;
  stop?: boolean;
  stored_agents?: [string, string];
  cs?: CircuitState;
  oa?: number | null;
}

interface Sequence {
  seq: number;
  config: Record<string, number | string | null>;
  agents: string[];
  pair_ids: [number, number, string][];
  ops: Op[];
}

interface OtcLine {
  t: number;
  a: string;
  b: string;
  outcome: TrustOutcome;
  pair_id: string;
  score_before: number;
  should_terminate_before: boolean;
  alpha: number;
  beta_val: number;
  trust_score: number;
  circuit_state: CircuitState;
  interaction_count: number;
  opened_at: number | null;
}

const random = sharedFile('parity/golden_random.jsonl');
const otc = sharedFile('parity/golden_otc.jsonl');

/** Every line of the reference engine's golden vectors, on one store. */
export function describeParity(under: StoreUnderParity): void {
  describe(`golden vectors on ${under.name}`, () => {
    it.skipIf(otc === null)(
      'follows the reference through the Bitcoin OTC ratings',
      async () => {
        const lines = readJsonLines<OtcLine>(otc as string).slice(0, under.otcLines);
        const store = await under.open();
        let now = 0;
        const manager = new TrustManager({ store, clock: () => now });
        for (const line of lines) {
          now = line.t;
          close(await manager.getTrustScore(line.a, line.b), line.score_before);
          expect(await manager.shouldTerminate(line.a, line.b)).toBe(line.should_terminate_before);
          const state = await manager.evaluate(line.a, line.b, line.outcome);
          expect(state.pairId).toBe(line.pair_id);
          matches(state, [
            line.alpha,
            line.beta_val,
            line.trust_score,
            line.circuit_state,
            line.interaction_count,
            line.t,
            line.opened_at,
          ]);
        }
        await manager.close();
      },
      120_000,
    );

    describe.skipIf(random === null)('follows the reference through random sequences', () => {
      const sequences =
        random === null ? [] : readJsonLines<Sequence>(random).slice(0, under.randomSequences);
      let failures: string[] = [];
      let ran = 0;
      beforeAll(async () => {
        for (const sequence of sequences) {
          try {
            ran += await runSequence(under, sequence);
          } catch (error) {
            failures.push(
              `sequence ${sequence.seq}: ${error instanceof Error ? error.message : String(error)}`,
            );
          }
        }
      }, 600_000);
      afterAll(() => {
        failures = [];
      });
      it(`${sequences.length} sequences`, () => {
        expect(failures.slice(0, 5)).toEqual([]);
        expect(ran).toBe(sequences.reduce((sum, sequence) => sum + sequence.ops.length, 0));
      });
    });
  });
}

async function runSequence(under: StoreUnderParity, sequence: Sequence): Promise<number> {
  const store = await under.open();
  const published: [string, number][] = [];
  let now = 0;
  const manager = new TrustManager({
    store,
    config: configOf(sequence.config),
    clock: () => now,
    bridge: { publish: ({ agentId, state }) => void published.push([agentId, state]) },
  });
  for (const [i, j, id] of sequence.pair_ids)
    expect(makePairId(sequence.agents[i] as string, sequence.agents[j] as string)).toBe(id);
  const terminated = new Set<string>();
  let done = 0;
  try {
    for (const op of sequence.ops) {
      now = op.t ?? now;
      published.length = 0;
      await runOp(under, store, manager, sequence, op, terminated, published);
      done++;
    }
  } catch (error) {
    throw new Error(`op ${done} ${JSON.stringify(sequence.ops[done])}: ${(error as Error).message}`);
  }
  await manager.close();
  return done;
}

async function runOp(
  under: StoreUnderParity,
  store: TrustStore,
  manager: TrustManager,
  sequence: Sequence,
  op: Op,
  terminated: Set<string>,
  published: [string, number][],
): Promise<void> {
  const a = sequence.agents[op.a] as string;
  const b = sequence.agents[op.b] as string;
  const pairId = makePairId(a, b);
  const dead = terminated.has(pairId);
  switch (op.op) {
    case 'E': {
      const raiseOnBreak = op.raise_on_break === true;
      let raised = false;
      let state: TrustState | null = null;
      try {
        state = await manager.evaluate(a, b, op.o as TrustOutcome, { raiseOnBreak });
      } catch (error) {
        if (!(error instanceof TrustCircuitOpen)) throw error;
        raised = true;
        state = await manager.getState(a, b);
      }
      // A departure on purpose: a TERMINATED pair raises.
      expect(raised).toBe(op.raised === true || (raiseOnBreak && dead));
      matches(state, op.x ?? null);
      expect(published).toEqual(op.pub ?? []);
      return;
    }
    case 'Q':
      close(await manager.getTrustScore(a, b), op.score as number);
      // A departure on purpose: a TERMINATED pair is to stop.
      expect(await manager.shouldTerminate(a, b)).toBe(op.stop === true || dead);
      return;
    case 'G': {
      const state = await manager.getState(a, b);
      matches(state, op.x ?? null);
      if (op.stored_agents) expect([state?.agentA, state?.agentB]).toEqual(op.stored_agents);
      return;
    }
    case 'T':
      await manager.terminate(a, b);
      terminated.add(pairId);
      matches(await manager.getState(a, b), op.x ?? null);
      expect(published).toEqual(op.pub ?? []);
      return;
    case 'R': {
      const existed = (await manager.getState(a, b)) !== null;
      await manager.reset(a, b);
      terminated.delete(pairId);
      expect(await manager.getState(a, b)).toBeNull();
      // A departure on purpose: a reset tells both agents when there was a state.
      expect(published).toEqual(
        existed
          ? [
              [a, 0],
              [b, 0],
            ]
          : [],
      );
      return;
    }
    case 'F':
      if (op.cs === undefined) return;
      await under.force(store, pairId, op.cs, op.oa ?? null);
      if (op.cs === 'TERMINATED') terminated.add(pairId);
      else terminated.delete(pairId);
      matches(await manager.getState(a, b), op.x ?? null);
      return;
  }
}

function configOf(knobs: Sequence['config']): TrustConfig {
  const camel = Object.entries(knobs).map(([knob, value]) => [
    knob.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value === 'inf' ? Number.POSITIVE_INFINITY : value,
  ]);
  return new TrustConfig(Object.fromEntries(camel) as Record<string, number>);
}

function matches(state: TrustState | null, expected: Expected | null): void {
  if (expected === null || state === null) {
    expect(state).toBe(expected);
    return;
  }
  const [alpha, beta, trustScore, circuitState, interactionCount, lastUpdated, openedAt] = expected;
  close(state.alpha, alpha);
  close(state.beta, beta);
  close(state.trustScore, trustScore);
  if (
    state.circuitState !== circuitState ||
    state.interactionCount !== interactionCount ||
    state.lastUpdated !== lastUpdated ||
    state.openedAt !== openedAt
  )
    expect([state.circuitState, state.interactionCount, state.lastUpdated, state.openedAt]).toEqual([
      circuitState,
      interactionCount,
      lastUpdated,
      openedAt,
    ]);
}

/** Equal to a relative 1e-12: two languages' pow differ in the last bits. */
function close(actual: number, expected: number): void {
  if (!(Math.abs(actual - expected) <= 1e-12 * Math.abs(expected))) expect(actual).toBe(expected);
}
