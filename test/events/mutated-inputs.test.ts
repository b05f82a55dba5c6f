import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { AcceptedInteraction } from '../../src/events/interaction.js';
import {
  type ApplyResult,
  type DeadLetterReason,
  deadLetterReasons,
  type MessageToSend,
  type SinkMessage,
} from '../../src/ports.js';
import { Processor } from '../../src/processor/processor.js';
import { MemoryStore } from '../../src/store/memory.js';
import { MemorySink, MemoryTopic } from '../../src/streams/memory.js';
import { PolicyBook } from '../../src/trust/policies.js';
import { type MutatedInput, mutatedInputs } from '../helpers/mutated.js';

const seed = 20_260_711;
const startedAt = 1_700_000_000;
const mostGrownBytes = 96 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in use, buffers included, once what nobody holds is given back. */
async function bytesInUse(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await nextTurn();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const name = /^\P{Cc}+$/u;

/** Why an accepted event should not have been, or null. */
function fault({ agentA, agentB, tenant, time, weight, eventId }: AcceptedInteraction): string | null {
  for (const agent of [agentA, agentB])
    if ([...agent].length > 256 || !name.test(agent) || !agent.isWellFormed()) return `agent ${agent}`;
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(tenant)) return `tenant ${tenant}`;
  if (!(weight > 0 && weight <= 100)) return `weight ${weight}`;
  if (!(time >= -62_167_219_200 && time <= startedAt + 300)) return `time ${time}`;
  return eventId === '' || eventId.length > 2_048 ? `id ${eventId}` : null;
}

/** What should not be in the state after an event, or null. */
function unsound(result: ApplyResult): string | null {
  if (result.kind !== 'applied') return result.kind === 'duplicate' ? null : result.kind;
  if (result.state === null) return 'no state';
  const { alpha, beta, trustScore } = result.state;
  const sound = alpha > 0 && beta > 0 && Number.isFinite(alpha + beta) && trustScore >= 0 && trustScore <= 1;
  return sound ? null : `alpha ${alpha}, beta ${beta}, score ${trustScore}`;
}

/** A processor over memory that counts what became of each position. */
function startCounting(count: number) {
  const clock = () => startedAt;
  const topic = new MemoryTopic({ name: 'in', clock, maxQueuedBytes: 8 * 1024 * 1024 });
  const accepted = new Uint8Array(count + 1);
  const lettered = new Uint8Array(count + 1);
  const reasons = new Map<string, number>();
  const faults: string[] = [];
  const deadLetters = new MemorySink();
  deadLetters.subscribe((letter: SinkMessage) => {
    const sequence = Number(/^memory:in\/(\d+)$/.exec(letter.id)?.[1]);
    lettered[sequence] = (lettered[sequence] ?? 0) + 1;
    reasons.set(letter.key, (reasons.get(letter.key) ?? 0) + 1);
    if (letter.headers['dlq-id'] !== letter.id || letter.headers['dlq-reason'] !== letter.key)
      faults.push(`headers of ${letter.id}`);
    if (letter.body.byteLength > 256 * 1024) faults.push(`size of ${letter.id}`);
  });
  const processor = new Processor({
    store: new MemoryStore({ clock }),
    interactions: [topic],
    circuits: new MemorySink(),
    deadLetters,
    policies: () => policies,
    clock,
    observer: {
      applied: (event, result) => {
        const sequence = event.position?.sequence ?? 0;
        accepted[sequence] = (accepted[sequence] ?? 0) + 1;
        const found = fault(event) ?? unsound(result);
        if (found !== null) faults.push(`${sequence}: ${found}`);
      },
    },
  });
  return { topic, processor, accepted, lettered, reasons, faults };
}

const policies = new PolicyBook({ version: 1, default: {}, policies: [] });

/** A few at a time, as a producer sends them. */
function* inChunks(inputs: Iterable<MutatedInput>): Generator<MutatedInput[]> {
  let chunk: MutatedInput[] = [];
  for (const input of inputs) {
    chunk.push(input);
    if (chunk.length < 100) continue;
    yield chunk;
    chunk = [];
  }
  yield chunk;
}

/** How often each value occurs from position 1 on. */
function tally(counts: Uint8Array): Record<number, number> {
  const tallied: Record<number, number> = {};
  for (const value of counts.subarray(1)) tallied[value] = (tallied[value] ?? 0) + 1;
  return tallied;
}

describe('100,000 mutated inputs', () => {
  it('are each accepted once, or dead-lettered once under their own id', { timeout: 60_000 }, async () => {
    const count = 100_000;
    const { topic, processor, accepted, lettered, reasons, faults } = startCounting(count);
    const running = processor.run();
    const before = await bytesInUse();
    let sentBytes = 0;
    for (const inputs of inChunks(mutatedInputs(seed, count, startedAt))) {
      await topic.send(inputs);
      for (const { body } of inputs) sentBytes += body.byteLength;
    }
    topic.close();
    await running;
    const grownBytes = (await bytesInUse()) - before;

    expect(faults).toEqual([]);
    expect(tally(accepted.map((times, sequence) => times + (lettered[sequence] ?? 0)))).toEqual({ 1: count });
    for (const reason of reasons.keys()) expect(deadLetterReasons).toContain(reason);
    const letters = [...reasons.values()].reduce((sum, each) => sum + each, 0);
    const taken = tally(accepted)[1] ?? 0;
    expect(taken + letters).toBe(count);
    expect(taken).toBeGreaterThan(count / 10);
    expect(Object.fromEntries(reasons)).toMatchObject({
      invalid_json: expect.any(Number),
      invalid_event: expect.any(Number),
      too_large: expect.any(Number),
      time_in_future: expect.any(Number),
      unsupported_type: expect.any(Number),
    });
    // What is kept is counted by pairs and ids, not by what went through.
    expect(sentBytes).toBeGreaterThan(2 * mostGrownBytes);
    expect(grownBytes).toBeLessThan(mostGrownBytes);
  });
});

describe('mutated inputs whose sender waits to be told', () => {
  it('are each told of once, and none becomes a dead letter', { timeout: 60_000 }, async () => {
    const count = 20_000;
    const { topic, processor, accepted, lettered, faults } = startCounting(count);
    const running = processor.run();
    const told = new Uint8Array(count + 1);
    const refused: DeadLetterReason[] = [];
    let sent = 0;
    const telling = (input: MutatedInput): MessageToSend => {
      const place = ++sent;
      return {
        ...input,
        settle: (settlement) => {
          told[place] = (told[place] ?? 0) + 1;
          if (settlement.kind === 'rejected') refused.push(settlement.rejection.reason);
        },
      };
    };
    for (const inputs of inChunks(mutatedInputs(seed + 1, count, startedAt)))
      await topic.send(inputs.map(telling));
    topic.close();
    await running;

    expect(faults).toEqual([]);
    expect(tally(told)).toEqual({ 1: count });
    expect(tally(lettered)).toEqual({ 0: count });
    expect(tally(accepted)[1]).toBe(count - refused.length);
    for (const reason of new Set(refused)) expect(deadLetterReasons).toContain(reason);
  });
});
