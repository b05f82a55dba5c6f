/**
 * Interactions as they are in a busy fleet: about three failures in ten, each pair with some of both, one event
 * every ten milliseconds, each with an id of its own.
 */
import { makePairId } from 'fulcrum-trust';
import type { InteractionToApply } from '#dist/ports.js';

export const betweenMs = 10;

/** The numbers of a pair's events differ by the number of pairs: mixed, or each pair would have one outcome alone. */
export function outcomeOf(event: number): 'success' | 'failure' {
  return (Math.imul(event, 0x9e3779b1) >>> 8) % 10 < 3 ? 'failure' : 'success';
}

/** Some pair of agents. */
export interface BenchPair {
  readonly agentA: string;
  readonly agentB: string;
  readonly pairId: string;
}

export function pairOf(index: number): BenchPair {
  const [agentA, agentB] = agentsOf(index);
  return { agentA, agentB, pairId: makePairId(agentA, agentB) };
}

/** An event as a producer writes it, of one pair in so many; the first is at `startMs`. */
export function eventBody(event: number, pairs: number, startMs: number): Buffer {
  const [agentA, agentB] = agentsOf(event % pairs);
  return Buffer.from(
    `{"specversion":"1.0","id":"${idOf(event)}","source":"${source}","type":"fulcrum.trust.interaction.v1",` +
      `"time":"${new Date(startMs + betweenMs * event).toISOString()}","data":{"agent_a":"${agentA}",` +
      `"agent_b":"${agentB}","outcome":"${outcomeOf(event)}"}}`,
  );
}

export function eventBodies(count: number, pairs: number): Buffer[] {
  return Array.from({ length: count }, (_, event) => eventBody(event, pairs, Date.UTC(2026, 0, 1)));
}

/** Key of the event's message where messages of a pair are kept in order. */
export function pairIdOf(event: number, pairs: number): string {
  return pairOf(event % pairs).pairId;
}

/** The event as a processor hands it to a store. */
export function eventToApply(event: number, pair: BenchPair, startMs: number): InteractionToApply {
  const eventId = idOf(event);
  return {
    ...pair,
    tenant: 'default',
    outcome: outcomeOf(event),
    time: (startMs + betweenMs * event) / 1_000,
    weight: 1,
    eventId,
    duplicateKey: `${source}\n${eventId}`,
    position: { source, sequence: event + 1 },
    policy: 0,
    traceparent: null,
  };
}

const source = 'bench';

const agentsOf = (pair: number) => [`agent-${pair}`, `tool-${pair % 97}`] as const;
const idOf = (event: number): string => `run-${event >> 5}/step-${event & 31}`;
