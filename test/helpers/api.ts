import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { defaultLimits } from '../../src/events/delivered.js';
import { type ApiParts, defaultHttpLimits, type HttpLimits } from '../../src/http/api.js';
import { commandIntake } from '../../src/http/intake.js';
import { createServer } from '../../src/http/server.js';
import type { Clock, SinkMessage, TrustStore } from '../../src/ports.js';
import { Processor } from '../../src/processor/processor.js';
import { MemoryStore } from '../../src/store/memory.js';
import { MemoryAnalyses } from '../../src/store/memory-analyses.js';
import { MemoryProbes } from '../../src/store/memory-probes.js';
import { MemorySink, MemoryTopic } from '../../src/streams/memory.js';
import { PolicyBook, type PolicyDocument } from '../../src/trust/policies.js';

export interface ApiOptions {
  /** What the processor applies to. @defaultValue a memory store */
  readonly store?: TrustStore;
  readonly limits?: Partial<HttpLimits>;
  readonly document?: Partial<PolicyDocument>;
  /** Replaces parts that the server is given. */
  readonly parts?: Partial<ApiParts>;
  readonly clock?: Clock;
}

export interface Api {
  readonly server: FastifyInstance;
  readonly store: TrustStore;
  readonly interactions: MemoryTopic;
  readonly processor: Processor;
  readonly circuits: MemorySink;
  readonly deadLetters: readonly SinkMessage[];
  /** Closes the server, then the processor. */
  close(): Promise<void>;
}

/** When the API of {@link startApi} thinks that it is. */
export const now = 1_700_000_000;

/** The HTTP API over a processor that runs in memory. All of it ends with the test. */
export function startApi(options: ApiOptions = {}): Api {
  const clock = options.clock ?? (() => now);
  const store = options.store ?? new MemoryStore({ clock });
  const topic = (name: string): MemoryTopic => new MemoryTopic({ name, clock });
  const [interactions, commands] = [topic('interactions'), topic('commands')];
  const circuits = new MemorySink();
  const letters = new MemorySink();
  const deadLetters: SinkMessage[] = [];
  letters.subscribe((letter) => deadLetters.push(letter));
  const book = new PolicyBook({ version: 1, default: {}, policies: [], ...options.document });
  const policies = () => book;
  // Silence does not recover anything here: the clock of a test stands still, or is the test's to move.
  const processor = new Processor({
    store,
    interactions: [interactions],
    commands,
    circuits,
    deadLetters: letters,
    policies,
    clock,
    idleMs: 10,
  });
  const running = processor.run();
  const health = {
    troubled: () => processor.troubled,
    limits: { ...defaultHttpLimits, ...options.limits },
  };
  const server = createServer(
    {
      ...health,
      interactions,
      commands: commandIntake(health, commands),
      store,
      analyses: new MemoryAnalyses(clock),
      analyze: null,
      eventLimits: defaultLimits,
      probes: new MemoryProbes(),
      onCircuit: (listener) => circuits.subscribe(listener),
      policyOf: book.policyOf,
      timedRecovery: true,
      clock,
      ...options.parts,
    },
    pino({ enabled: false }),
  );
  const close = async (): Promise<void> => {
    await server.close();
    await processor.stop(0);
    await running;
  };
  onTestFinished(close);
  return { server, store, interactions, processor, circuits, deadLetters, close };
}

/** An interaction of two agents. */
export const interaction = (fields: object = {}): Record<string, unknown> => ({
  agent_a: 'ann',
  agent_b: 'bob',
  outcome: 'failure',
  ...fields,
});

export const ndjson = (...events: readonly object[]): string =>
  events.map((event) => `${JSON.stringify(event)}\n`).join('');

/** What a test posts: an object is sent as JSON. */
export function post(
  { server }: Api,
  url: string,
  payload: string | Buffer | object,
  headers: Record<string, string> = { 'content-type': 'application/json' },
) {
  const body = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
  return server.inject({ method: 'POST', url, headers, payload: body });
}
