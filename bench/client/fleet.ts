/** A client without a server: what is measured is what it does in its own process. */
import { makePairId } from 'fulcrum-trust';
import type { PairCircuit } from '#dist/client/circuit.js';
import { completeOptions } from '#dist/client/complete-options.js';
import { Fleet } from '#dist/client/fleet.js';
import type { Way } from '#dist/client/way.js';

/** Circuits that are open, of as many pairs again that are not. */
export const openPairs = 5_000;

/** Names of one pair in so many; those of even number are open. */
export const agentA = Array.from({ length: 2 * openPairs }, (_, i) => `agent-${i}`);
export const agentB = Array.from({ length: 2 * openPairs }, (_, i) => `tool-${i % 97}`);

/** @param send what becomes of a batch of reports */
export async function fleetWithout(send: Way['send']): Promise<Fleet> {
  const circuits = agentA.flatMap((name, i) => (i % 2 === 0 ? [openCircuit(name, agentB[i] ?? '')] : []));
  const way: Way = {
    probes: null,
    send,
    watch: async function* (signal) {
      yield { kind: 'known', all: circuits };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
    close: async () => {},
  };
  const options = completeOptions({
    http: 'http://127.0.0.1',
    whenStale: 'failClosed',
    buffer: { maxEvents: 10_000_000, maxBytes: 2 ** 34 },
  });
  const fleet = new Fleet(way, options);
  await fleet.circuits.ready(1_000);
  return fleet;
}

function openCircuit(a: string, b: string): PairCircuit {
  return {
    tenant: 'default',
    pairId: makePairId(a, b),
    agentA: a,
    agentB: b,
    state: 'OPEN',
    enforced: true,
    trustScore: 0.2,
    threshold: 0.3,
    transition: 1,
    recoversAt: null,
  };
}
