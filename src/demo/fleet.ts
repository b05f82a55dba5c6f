/** A simulated fleet: who works with whom, and how well that goes as the hours pass. Pure. */
import type { TrustOutcome } from '../trust/outcome.js';

/** One pair of the fleet. Times are seconds since the start of the simulation. */
export interface SimulatedPair {
  readonly story: Story;
  readonly agentA: string;
  readonly agentB: string;
  /** Mean seconds between two interactions at time `t`. */
  readonly period: (t: number) => number;
  /** What an interaction at time `t` comes to; `draw` is in [0, 1). */
  readonly outcome: (t: number, draw: number) => TrustOutcome;
}

/** What a pair's behaviour is about, as the closing table groups it. */
export const stories = [
  'healthy',
  'gratitude loop',
  'drifting agent',
  'outage',
  'retry storm',
  'ping-pong',
] as const;

export type Story = (typeof stories)[number];

export const minute = 60;
export const durationSeconds = 120 * minute;

/** An operator's action in the story. */
export interface OperatorAction {
  readonly at: number;
  readonly action: 'terminate' | 'reset';
  readonly agentA: string;
  readonly agentB: string;
  readonly reason: string;
}

const specialists = ['researcher', 'coder', 'reviewer', 'tester', 'writer', 'analyst'];

export const fleet: readonly SimulatedPair[] = [
  ...specialists.flatMap((specialist) =>
    [1, 2, 3, 4].map((n) => ({
      story: 'healthy' as const,
      agentA: 'orchestrator',
      agentB: `${specialist}-${n}`,
      period: () => 6 + n,
      outcome: mostly(0.95, 0.03),
    })),
  ),
  {
    // Two polite agents that found each other: nothing is said any more, and it is said very fast.
    story: 'gratitude loop',
    agentA: 'concierge',
    agentB: 'greeter',
    period: (t) => (t < 20 * minute ? 45 : 3),
    outcome: (t, draw) => (t < 20 * minute ? mostly(0.9, 0.08)(t, draw) : mostly(0.03, 0.2)(t, draw)),
  },
  {
    // Its prompts changed under it: from good to bad, slowly, over an hour.
    story: 'drifting agent',
    agentA: 'editor',
    agentB: 'summarizer',
    period: () => 8,
    outcome: (t, draw) => {
      const drift = Math.min(1, Math.max(0, (t - 30 * minute) / (60 * minute)));
      return mostly(0.97 - 0.9 * drift, 0.03)(t, draw);
    },
  },
  {
    // The service behind it is down for a quarter of an hour.
    story: 'outage',
    agentA: 'fetcher',
    agentB: 'search-api',
    period: () => 5,
    outcome: (t, draw) => (t >= 60 * minute && t < 75 * minute ? 'failure' : mostly(0.98, 0.01)(t, draw)),
  },
  {
    // A test that cannot pass, tried again and again, until somebody looks.
    story: 'retry storm',
    agentA: 'coder-7',
    agentB: 'test-runner',
    period: (t) => (t < 80 * minute ? 20 : 2),
    outcome: (t, draw) =>
      t >= 80 * minute && t < 112 * minute ? mostly(0.02, 0.05)(t, draw) : mostly(0.9, 0.05)(t, draw),
  },
  {
    // One task handed back and forth. Its policy is in shadow mode: it is told, and not stopped.
    story: 'ping-pong',
    agentA: 'support',
    agentB: 'triage',
    period: (t) => (t < 40 * minute ? 25 : 6),
    outcome: (t, draw) => (t < 40 * minute ? mostly(0.92, 0.05)(t, draw) : mostly(0.05, 0.35)(t, draw)),
  },
];

export const operatorActions: readonly OperatorAction[] = [
  {
    at: 95 * minute,
    action: 'terminate',
    agentA: 'coder-7',
    agentB: 'test-runner',
    reason: 'the test needs a key that it will never get',
  },
  {
    at: 112 * minute,
    action: 'reset',
    agentA: 'coder-7',
    agentB: 'test-runner',
    reason: 'the key is there now',
  },
];

function mostly(success: number, partial: number): SimulatedPair['outcome'] {
  return (_t, draw) => (draw < success ? 'success' : draw < success + partial ? 'partial' : 'failure');
}
