import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { seededRandom } from '../../src/demo/random.js';
import type { CircuitEvent } from '../../src/events/schemas.js';
import type { MessageToSend } from '../../src/ports.js';
import {
  deliver,
  failure,
  interaction,
  opening,
  type Pipeline,
  policyBook,
  start,
  startPipeline,
  success,
  until,
} from './given.js';
import { stuckSource } from './wrappers.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** When a pair that two failures opened at `start` is back at the threshold: f = 2/3 of a half-life of a day. */
const closesAt = start + 86_400 * Math.log2(1.5);

const cooldownBook = policyBook([{ name: 'probing', match: {}, trust: { recoveryCooldownSeconds: 60 } }]);

/** Lets the processor find its sources read up, so that it sweeps to the clock. */
const idle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(250);

const summary = ({ type, data }: CircuitEvent): object => ({
  type: type.split('.').at(-2),
  pair: data.agent_b,
  at: data.occurred_at,
});

describe('a producer whose clock is ahead', () => {
  it('does not bring forward what is due for other pairs', async () => {
    const { interactions, circuitEvents, setTime } = startPipeline(() => ({ policies: () => cooldownBook }));
    await deliver(interactions, opening(start));
    setTime(start + 10);
    await deliver(interactions, [success(start + 10 + 299, { agent_b: 'fast' })]);
    await idle();
    expect(circuitEvents.map(summary)).toHaveLength(1);
    setTime(start + 61);
    await until(() => circuitEvents.length === 2);
    expect(circuitEvents[1]?.data).toMatchObject({ to: 'HALF_OPEN', occurred_at: start + 60 });
  });
});

describe('the circuit of a silent pair', () => {
  it('closes when decay alone has brought the score back, at the time that was forecast when it opened', async () => {
    const { interactions, circuitEvents, setTime, state } = startPipeline();
    await deliver(interactions, opening(start));
    expect(circuitEvents[0]?.data.recovers_at).toBeCloseTo(closesAt, 6);
    setTime(closesAt - 1);
    await idle();
    expect(circuitEvents).toHaveLength(1);
    setTime(closesAt + 5_000);
    await until(() => circuitEvents.length === 2);
    expect(circuitEvents[1]).toMatchObject({
      type: 'fulcrum.trust.circuit.closed.v1',
      data: {
        from: 'OPEN',
        to: 'CLOSED',
        occurred_at: circuitEvents[0]?.data.recovers_at,
        interaction_count: 2,
        previous_transition: circuitEvents[0]?.data.transition,
        cause: { kind: 'recovery' },
      },
    });
    expect(circuitEvents[1]?.data.trust_score).toBeCloseTo(0.3, 9);
    expect(await state()).toMatchObject({ circuitState: 'CLOSED', interactionCount: 2 });
  });

  it('lets a probe through when its cooldown is over, and then waits for an event', async () => {
    const { interactions, circuitEvents, setTime, state } = startPipeline(() => ({
      policies: () => cooldownBook,
    }));
    await deliver(interactions, opening(start));
    setTime(start + 600);
    await until(() => circuitEvents.length === 2);
    setTime(start + 86_400);
    await idle();
    expect(circuitEvents.map(summary)).toEqual([
      { type: 'opened', pair: 'b', at: start },
      { type: 'half_opened', pair: 'b', at: start + 60 },
    ]);
    expect(await state()).toMatchObject({ circuitState: 'HALF_OPEN', alpha: 1, beta: 3, lastUpdated: start });
  });

  it('stays open without timed recovery', async () => {
    const { interactions, circuitEvents, setTime } = startPipeline(() => ({ timedRecovery: false }));
    await deliver(interactions, opening(start));
    setTime(start + 1e9);
    await idle();
    expect(circuitEvents.map(summary)).toEqual([{ type: 'opened', pair: 'b', at: start }]);
    expect(circuitEvents[0]?.data.recovers_at).toBeNull();
  });

  it('recovers before an event of its time is applied, though no sweep has run', async () => {
    const { interactions, circuitEvents, setTime } = startPipeline();
    setTime(closesAt + 10);
    await deliver(interactions, [...opening(start), failure(closesAt + 10)]);
    expect(circuitEvents.map(summary)).toEqual([
      { type: 'opened', pair: 'b', at: start },
      { type: 'closed', pair: 'b', at: circuitEvents[0]?.data.recovers_at },
      { type: 'opened', pair: 'b', at: closesAt + 10 },
    ]);
  });
});

describe('the sweep', () => {
  const other = { agent_b: 'other' };

  it('makes what is due by the first event of a batch, in order of time', async () => {
    const { interactions, circuitEvents, setTime } = startPipeline();
    setTime(closesAt + 150);
    await deliver(interactions, [
      ...opening(start + 100, { agent_b: 'second' }),
      ...opening(start + 200, { agent_b: 'third' }),
      ...opening(start, { agent_b: 'first' }),
    ]);
    await deliver(interactions, [success(closesAt + 150, other)]);
    expect(circuitEvents.slice(3).map((event) => event.data.agent_b)).toEqual(['first', 'second']);
  });

  it('is held back by a source with a backlog, for its next failure may keep the circuit open', async () => {
    const { interactions, circuitEvents, setTime } = startPipeline((parts) => ({
      interactions: [parts.interactions, stuckSource('backlog', [[success(start + 60, other)]])],
    }));
    await deliver(interactions, opening(start));
    setTime(closesAt + 86_400);
    await idle();
    await deliver(interactions, [success(closesAt + 86_400, other)]);
    expect(circuitEvents.map(summary)).toEqual([{ type: 'opened', pair: 'b', at: start }]);
  });

  it('goes as far as the source that is furthest behind', async () => {
    const backlog = stuckSource('backlog', [[success(closesAt + 50, other)]]);
    const { interactions, circuitEvents, setTime } = startPipeline((parts) => ({
      interactions: [parts.interactions, backlog],
    }));
    await deliver(interactions, [...opening(start), ...opening(start + 100, { agent_b: 'later' })]);
    setTime(closesAt + 1_000);
    await until(() => circuitEvents.length === 3);
    await idle();
    expect(circuitEvents.slice(2).map((event) => event.data.agent_b)).toEqual(['b']);
  });

  it('is held back by a source of which nothing is known yet, until it answers', async () => {
    const { interactions, circuitEvents, setTime, processor, running } = startPipeline((parts) => ({
      interactions: [parts.interactions, stuckSource('silent', [])],
    }));
    await deliver(interactions, opening(start));
    setTime(closesAt + 1_000);
    await idle();
    expect(circuitEvents).toHaveLength(1);
    await processor.stop();
    await running;
    expect(circuitEvents).toHaveLength(2);
  });

  it('goes on without a source that has ended', async () => {
    const { interactions, circuitEvents, setTime } = startPipeline((parts) => {
      const ended = { ...stuckSource('ended', []), read: async () => null };
      return { interactions: [parts.interactions, ended] };
    });
    await idle();
    await deliver(interactions, opening(start));
    setTime(closesAt + 1_000);
    await until(() => circuitEvents.length === 2);
  });

  it('is tried again when the store is away', async () => {
    const { interactions, circuitEvents, setTime, processor, store } = startPipeline();
    await deliver(interactions, opening(start));
    const { due } = store;
    store.due = () => {
      throw new Error('away');
    };
    setTime(closesAt + 1_000);
    await until(() => processor.troubled.includes('make recoveries'));
    store.due = due;
    await until(() => circuitEvents.length === 2 && processor.troubled.length === 0);
  });

  it('makes all that is due, however many pairs', async () => {
    const { interactions, circuitEvents, setTime } = startPipeline();
    const pairs = Array.from({ length: 1_100 }, (_, i) => opening(start, { agent_b: `agent-${i}` }));
    await deliver(interactions, pairs.flat());
    setTime(closesAt + 1_000);
    await until(() => circuitEvents.length === 2_200);
  });
});

describe('what is published', () => {
  const policies = policyBook([
    { name: 'probing', match: { agents: ['*', 'probed-*'] }, trust: { recoveryCooldownSeconds: 90 } },
    { name: 'all', match: {}, trust: { halfLifeSeconds: 300 } },
  ]);
  const random = seededRandom(7);
  const agents = ['x', 'y', 'z', 'probed-1', 'probed-2'];
  let time = start;
  const events = Array.from({ length: 2_000 }, () => {
    time += 40 * random();
    const outcome = random() < 0.72 ? 'failure' : 'success';
    return { time, sent: interaction(outcome, time, { agent_b: agents[Math.floor(5 * random())] }) };
  });
  const end = time + 3_600;

  async function play(send: (pipeline: Pipeline) => Promise<unknown>, maxBatch: number): Promise<object[]> {
    const limits = { maxEventBytes: 1_000, maxFutureSeconds: Number.POSITIVE_INFINITY };
    const pipeline = startPipeline(() => ({ policies: () => policies, maxBatch, limits }));
    await send(pipeline);
    pipeline.setTime(end);
    // The clock of the tests runs while batches take their turns: a stop without an end.
    const stopped = pipeline.processor.stop(2 ** 31 - 1);
    await Promise.all([stopped, until(() => pipeline.interactions.backlogBytes === 0)]);
    const facts = pipeline.circuitEvents.map(({ type, data }) => {
      const { transition: _, previous_transition: __, ...rest } = data;
      return { type, ...rest };
    });
    return agents.flatMap((agent) => facts.filter((fact) => fact.agent_b === agent));
  }

  const all = (messages: readonly { readonly sent: MessageToSend }[]) => messages.map(({ sent }) => sent);

  it('does not depend on when sweeps ran, nor on how events fell into batches', async () => {
    const atOnce = await play((pipeline) => pipeline.interactions.send(all(events)), 512);
    expect(atOnce.length).toBeGreaterThan(300);
    expect(new Set(atOnce.map((fact) => (fact as { type: string }).type)).size).toBe(3);
    expect(await play((pipeline) => pipeline.interactions.send(all(events)), 7)).toEqual(atOnce);
    const oftenSwept = await play(async ({ interactions, setTime }) => {
      for (let at = 0; at < events.length; ) {
        const chunk = events.slice(at, at + 1 + Math.floor(40 * random()));
        at += chunk.length;
        await deliver(interactions, all(chunk));
        // Somewhere between the last event and the next one.
        const last = chunk.at(-1)?.time ?? start;
        setTime(last + random() * ((events[at]?.time ?? end) - last));
        await idle();
      }
    }, 512);
    expect(oftenSwept).toEqual(atOnce);
  });
});
