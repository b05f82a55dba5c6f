/** Processors for the tests of clients: real brokers and servers, state in memory, policies by tenant. */

import type { FleetOptions } from '../../src/client/index.js';
import { systemClock } from '../../src/clock.js';
import type { Broker, Clock, TrustStore } from '../../src/ports.js';
import { Processor } from '../../src/processor/processor.js';
import { MemoryStore } from '../../src/store/memory.js';
import { PolicyBook, type PolicyDocument } from '../../src/trust/policies.js';

/** By what a tenant begins with: what its circuits do. All others have the defaults. */
export const policies: PolicyDocument = {
  version: 1,
  default: {},
  policies: [
    { name: 'shadow', match: { tenant: 'shadow*' }, trust: {}, enforced: false },
    { name: 'cooling', match: { tenant: 'cooling*' }, trust: { recoveryCooldownSeconds: 1 }, enforced: true },
  ],
};

export interface RunningFleet {
  /** How a client reaches it. */
  readonly address: Pick<FleetOptions, 'nats' | 'kafka' | 'http'>;
  /** How many interactions of a pair were applied. */
  count(tenant: string, agentA: string, agentB: string): Promise<number>;
  terminate(tenant: string, agentA: string, agentB: string): Promise<void>;
  stop(): Promise<void>;
}

/** Runs a processor on a broker in this process; returns its store and what ends it. */
export async function runProcessor(
  broker: Broker,
  clock: Clock = systemClock,
): Promise<{ readonly store: TrustStore; readonly stop: () => Promise<void> }> {
  const store = new MemoryStore({ clock });
  const book = new PolicyBook(policies);
  const [interactions, commands] = [await broker.consume('interactions'), await broker.consume('commands')];
  const processor = new Processor({
    store,
    interactions: [interactions],
    commands,
    circuits: broker.sink,
    deadLetters: broker.sink,
    policies: () => book,
    clock,
    idleMs: 20,
  });
  const running = processor.run();
  return {
    store,
    stop: async () => {
      await processor.stop(0);
      await running;
      await broker.close();
    },
  };
}
