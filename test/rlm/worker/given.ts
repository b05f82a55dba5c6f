/** What the tests of the analyser are written with: its parts in memory, what agents say to it, and what came out. */
import { afterEach, beforeEach, onTestFinished, vi } from 'vitest';
import { requestEvent } from '../../../src/client/analysis.js';
import { analysisMessage } from '../../../src/events/analysis.js';
import { circuitMessage } from '../../../src/events/circuit.js';
import {
  type AnalysisData,
  analysisCompletedEventSchema,
  eventTypes,
  type InteractionData,
} from '../../../src/events/schemas.js';
import type { MessageToSend, SinkMessage, SourceStanding } from '../../../src/ports.js';
import { analyzeTranscript } from '../../../src/rlm/analyze.js';
import { Analyser, type AnalyserOptions } from '../../../src/rlm/worker/analyser.js';
import { MemoryAnalyses } from '../../../src/store/memory-analyses.js';
import { MemoryTranscripts } from '../../../src/store/transcripts/memory.js';
import { MemorySink, MemoryTopic } from '../../../src/streams/memory.js';
import { makePairId } from '../../../src/trust/pair.js';
import type { Transition } from '../../../src/trust/transition.js';
import { openedEntry } from '../../helpers/transition.js';

/** The time at which tests begin, and at which analyses are made, seconds since the epoch. */
export const start = 1_700_000_000;

export const tenant = 'default';
export const pairId = makePairId('ann', 'bob');

/** Pauses pass while a test waits until something holds. */
export function withoutPauses(): void {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());
}

/** What ann says to bob, one a second from `at` on. */
export function said(
  texts: readonly string[],
  at: number,
  fields: Partial<InteractionData> & { readonly id?: string } = {},
): MessageToSend[] {
  const { id = 'said', ...data } = fields;
  return texts.map((content, i) =>
    event({
      specversion: '1.0',
      id: `${id}-${i}`,
      source: '/agents/ann',
      type: eventTypes.interaction,
      time: new Date((at + i) * 1_000).toISOString(),
      data: { agent_a: 'ann', agent_b: 'bob', outcome: 'failure', content, ...data },
    }),
  );
}

/** The same sentence so many times: a repetition. */
export function loop(times = 5): string[] {
  return Array.from({ length: times }, () => 'I will now open the price list and check its currency.');
}

/** Talk that gets on. */
export const progress = [
  'The price list of 2026 has 412 rows, in exports/prices.csv.',
  'Shipping to Norway costs 14 euros for a parcel of two kilos.',
  'The new shop takes images of at most 800 pixels.',
  'I have uploaded the first hundred rows, none was refused.',
  'Row 212 had no currency, its supplier says that it is kroner.',
];

/** A circuit of ann and bob that opened at `occurredAt`, by the interaction `causedBy`. */
export function opened(
  causedBy: string,
  occurredAt: number,
  changes: Partial<Transition> = {},
): MessageToSend {
  const transition: Partial<Transition> = {
    occurredAt,
    transition: Math.round(occurredAt * 1_000),
    cause: { kind: 'interaction', eventId: causedBy, outcome: 'failure' },
    ...changes,
  };
  const { body, headers } = circuitMessage(openedEntry(transition));
  return { body, headers };
}

/** Someone asks why ann and bob tripped. */
export function asked(fields: { readonly [field: string]: unknown } = {}): MessageToSend {
  const body = requestEvent({ tenant, agent_a: 'ann', agent_b: 'bob', ...fields }, start);
  return { body, headers: {} };
}

/** A result, as another analyser published it. */
export function resultOf(data: AnalysisData): MessageToSend {
  const { body, headers } = analysisMessage(data);
  return { body, headers };
}

export function event(body: object): MessageToSend {
  return { body: Buffer.from(JSON.stringify(body)), headers: {} };
}

/** What a test may wrap before the analyser gets it. */
export type Parts = Pick<AnalyserOptions, 'transcripts' | 'analyses' | 'sink' | 'analyze'> & {
  readonly interactions: MemoryTopic;
  readonly circuits: MemoryTopic;
  readonly requests: MemoryTopic;
};

export interface Given extends Parts {
  readonly analyser: Analyser;
  /** What `run` answered. */
  readonly running: Promise<void>;
  /** All that was published, in order. */
  readonly sent: readonly SinkMessage[];
  /** The analyses among it. */
  readonly results: readonly AnalysisData[];
  /** What could not be done for a while. */
  readonly failures: readonly string[];
}

/** Starts an analyser on parts in memory, with what `change` puts in their place; it ends with the test. */
export function startAnalyser(
  change: (parts: Parts) => Partial<AnalyserOptions> = () => ({}),
  shared: Partial<Parts> = {},
): Given {
  const clock = () => start;
  const sent: SinkMessage[] = [];
  const results: AnalysisData[] = [];
  const failures: string[] = [];
  const sink = new MemorySink();
  const parts: Parts = {
    interactions: new MemoryTopic({ name: 'interactions', clock }),
    circuits: new MemoryTopic({ name: 'circuits', clock }),
    requests: new MemoryTopic({ name: 'requests', clock }),
    transcripts: new MemoryTranscripts({ clock }),
    analyses: new MemoryAnalyses(clock),
    analyze: (transcript) => analyzeTranscript(transcript),
    sink,
    ...shared,
  };
  sink.subscribe((message) => {
    sent.push(message);
    if (message.channel === 'analyses') results.push(resultIn(message));
  });
  const options: AnalyserOptions = {
    ...parts,
    standing: async () => standingOf(parts.interactions),
    clock,
    weather: { failed: (what) => void failures.push(what), recovered: () => {} },
    ...change(parts),
  };
  const analyser = new Analyser(options);
  const running = analyser.run();
  // What `run` failed with, the test has seen in `running`.
  onTestFinished(() => analyser.stop(0).catch(() => {}));
  return { ...parts, analyser, running, sent, results, failures };
}

/** How far a topic is acknowledged, as a broker says it. */
export function standingOf(topic: MemoryTopic): SourceStanding[] {
  return topic
    .progress()
    .map(({ source, acknowledged, last }) => ({ source, acknowledged, last, delivered: acknowledged }));
}

/** How many messages of a topic nobody has acknowledged. */
export function unacknowledged(topic: MemoryTopic): number {
  return topic.progress().reduce((sum, { acknowledged, last }) => sum + last - acknowledged, 0);
}

/** The analysis in a message, which is always one that the schema takes. */
function resultIn(message: SinkMessage): AnalysisData {
  const body: unknown = JSON.parse(Buffer.from(message.body).toString('utf8'));
  return analysisCompletedEventSchema.parse(body).data;
}
