import { type Config, policyDocument } from '../config.js';
import type { Clock, TrustStore } from '../ports.js';
import { Processor } from '../processor/processor.js';
import { MemoryStore } from '../store/memory.js';
import { MemorySink, MemoryTopic } from '../streams/memory.js';
import { PolicyBook } from '../trust/policies.js';

/** A pipeline in memory on a clock of the caller's: what the demo runs on. */
export interface MemoryPipeline {
  readonly interactions: MemoryTopic;
  readonly commands: MemoryTopic;
  readonly circuits: MemorySink;
  readonly store: TrustStore;
  stop(): Promise<void>;
}

export function startMemoryPipeline(config: Config, clock: Clock): MemoryPipeline {
  const store = new MemoryStore();
  const policies = new PolicyBook(policyDocument(config));
  const interactions = new MemoryTopic({ name: 'interactions', clock });
  const commands = new MemoryTopic({ name: 'commands', clock });
  const circuits = new MemorySink();
  const processor = new Processor({
    store,
    interactions: [interactions],
    commands,
    circuits,
    deadLetters: new MemorySink(),
    policies: () => policies,
    clock,
    limits: config.limits,
    timedRecovery: config.timedRecovery,
    // Only what is sent moves time on: a slow machine plays the same as a fast one.
    idleMs: 3_600_000,
  });
  void processor.run();
  return {
    interactions,
    commands,
    circuits,
    store,
    stop: () => processor.stop(),
  };
}
