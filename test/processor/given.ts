/** What the tests of the processor are written with: a pipeline in memory, events for it, and what came out. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';
import type { CircuitEvent } from '../../src/events/schemas.js';
import type {
  Clock,
  EventSink,
  MessageToSend,
  Settlement,
  SinkMessage,
  TrustStore,
} from '../../src/ports.js';
import { Processor, type ProcessorOptions } from '../../src/processor/processor.js';
import { MemoryStore } from '../../src/store/memory.js';
import { MemorySink, MemoryTopic } from '../../src/streams/memory.js';
import { makePairId } from '../../src/trust/pair.js';
import { PolicyBook } from '../../src/trust/policies.js';
import type { TrustState } from '../../src/trust/state.js';

/** The time at which tests begin, seconds since the epoch. */
export const start = 1_700_000_000;

type Fields = { readonly [field: string]: unknown };

/** An interaction of the pair a, b, unless `fields` say otherwise. */
export function interaction(outcome: string, time: number, fields: Fields = {}): MessageToSend {
  return message({ agent_a: 'a', agent_b: 'b', outcome, time, ...fields });
}

export const success = (time: number, fields?: Fields): MessageToSend => interaction('success', time, fields);
export const failure = (time: number, fields?: Fields): MessageToSend => interaction('failure', time, fields);

/** Two failures open a fresh pair's circuit under the default config: 1 / (1 + 3) is below 0.3. */
export const opening = (time: number, fields?: Fields): MessageToSend[] => [
  failure(time, fields),
  failure(time, fields),
];

export function command(action: string, time: number, fields: Fields = {}): MessageToSend {
  return message({ agent_a: 'a', agent_b: 'b', action, time, actor: 'ann', reason: 'on purpose', ...fields });
}

export function message(event: object | string): MessageToSend {
  return { body: Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)), headers: {} };
}

/** What a test may wrap before the processor gets it. */
export interface Parts {
  readonly store: TrustStore;
  readonly interactions: MemoryTopic;
  readonly commands: MemoryTopic;
  readonly circuits: EventSink;
  readonly deadLetters: EventSink;
  readonly clock: Clock;
  /** Wrappers write down here what they see, in the order in which it happens. */
  readonly log: string[];
}

export interface Pipeline extends Pick<Parts, 'store' | 'interactions' | 'commands' | 'log'> {
  readonly processor: Processor;
  /** What `run` answered. */
  readonly running: Promise<void>;
  /** Circuit events in the order in which they were published. */
  readonly circuitEvents: readonly CircuitEvent[];
  readonly deadLetters: readonly SinkMessage[];
  /** Moves the clock, seconds since the epoch. */
  setTime(seconds: number): void;
  state(agentA?: string, agentB?: string, tenant?: string): Promise<TrustState | null>;
}

/** Starts a processor on parts in memory, with what `change` puts in their place; it ends with the test. */
export function startPipeline(change: (parts: Parts) => Partial<ProcessorOptions> = () => ({})): Pipeline {
  let now = start;
  const clock: Clock = () => now;
  const circuits = new MemorySink();
  const deadLetterSink = new MemorySink();
  const circuitEvents: CircuitEvent[] = [];
  const deadLetters: SinkMessage[] = [];
  circuits.subscribe((sent) => void circuitEvents.push(eventOf(sent)));
  deadLetterSink.subscribe((sent) => void deadLetters.push(sent));
  const parts: Parts = {
    store: new MemoryStore({ clock }),
    interactions: new MemoryTopic({ name: 'interactions', clock }),
    commands: new MemoryTopic({ name: 'commands', clock }),
    circuits,
    deadLetters: deadLetterSink,
    clock,
    log: [],
  };
  const book = policyBook();
  const options: ProcessorOptions = {
    ...parts,
    interactions: [parts.interactions],
    policies: () => book,
    ...change(parts),
  };
  const processor = new Processor(options);
  const running = processor.run();
  // What `run` failed with, the test has seen in `running`.
  onTestFinished(() => processor.stop(0).catch(() => {}));
  return {
    ...parts,
    store: options.store,
    processor,
    running,
    circuitEvents,
    deadLetters,
    setTime: (seconds) => {
      now = seconds;
    },
    state: async (agentA = 'a', agentB = 'b', tenant = 'default') =>
      (await options.store.read(tenant, makePairId(agentA, agentB)))?.state ?? null,
  };
}

export function eventOf(sent: SinkMessage): CircuitEvent {
  return JSON.parse(Buffer.from(sent.body).toString('utf8')) as CircuitEvent;
}

/** A document of `policies` after which every pair is under the default config. */
export function policyBook(
  policies: ConstructorParameters<typeof PolicyBook>[0]['policies'] = [],
  version = 1,
): PolicyBook {
  return new PolicyBook({ version, default: {}, policies });
}

/** Sends messages whose sender is told, and waits for what it is told of each. */
export function deliver(
  topic: MemoryTopic,
  messages: readonly MessageToSend[],
): Promise<readonly Settlement[]> {
  return new Promise((resolve, reject) => {
    const settlements: Settlement[] = [];
    let open = messages.length;
    const told = messages.map((each, i) => ({
      ...each,
      settle: (settlement: Settlement): void => {
        settlements[i] = settlement;
        if (--open === 0) resolve(settlements);
      },
    }));
    topic.send(told).catch(reject);
  });
}

/** Waits until something holds; under fake timers time goes on meanwhile. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 20_000) throw new Error(`still not so: ${holds}`);
    if (vi.isFakeTimers()) await vi.advanceTimersByTimeAsync(20);
    else await nextTurn();
  }
}

/** Opens the circuit of x and y in the store, and leaves telling of it to whoever comes next. */
export function leaveTransitionBehind(store: TrustStore): void {
  const policies = [policyBook().policyOf('default', 'x', 'y')];
  const event = {
    tenant: 'default',
    pairId: makePairId('x', 'y'),
    agentA: 'x',
    agentB: 'y',
    outcome: 'failure',
    time: start,
    weight: 10,
    eventId: 'left behind',
    duplicateKey: null,
    position: null,
    policy: 0,
    traceparent: null,
  } as const;
  void store.apply({
    events: [event],
    policies,
    rules: { timedRecovery: true, streamed: true },
    nowMs: start * 1_000,
  });
}
