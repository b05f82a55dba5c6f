import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventSource, SourceBatch } from '../../src/ports.js';
import {
  deliver,
  failure,
  leaveTransitionBehind,
  message,
  opening,
  start,
  startPipeline,
  success,
  until,
} from './given.js';
import { ackedBy, changedStore, failingFirst, recorded } from './wrappers.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = (): Promise<never> => new Promise(() => {});

describe('while a part is away', () => {
  it('nothing is published or acknowledged without the store, and work resumes by itself', async () => {
    const { interactions, log, processor, state } = startPipeline((parts) => {
      const { store, ...rest } = recorded(parts);
      const apply = failingFirst(4, store.apply);
      return { ...rest, store: changedStore(store, { apply }) };
    });
    await interactions.send(opening(start));
    await until(() => processor.troubled.length > 0);
    expect(processor.troubled).toEqual(['apply interactions']);
    expect(log).toEqual([]);
    await until(() => log.length === 3);
    expect(log).toEqual(['apply 2', 'publish 1 circuit events', 'acknowledge 2']);
    expect(processor.troubled).toEqual([]);
    expect(await state()).toMatchObject({ interactionCount: 2, circuitState: 'OPEN' });
  });

  it('nothing is acknowledged without the sink of circuit events, and nothing counts twice after it', async () => {
    const { interactions, log, processor, state, circuitEvents } = startPipeline((parts) => {
      const { circuits, ...rest } = recorded(parts);
      return { ...rest, circuits: { publish: failingFirst(4, circuits.publish) } };
    });
    await interactions.send(opening(start));
    await until(() => processor.troubled.length > 0);
    expect(processor.troubled).toEqual(['publish circuit events']);
    await interactions.send([failure(start)]);
    expect(log).toEqual(['apply 2']);
    await until(() => log.includes('acknowledge 1'));
    expect(log).toEqual(['apply 2', 'publish 1 circuit events', 'acknowledge 2', 'apply 1', 'acknowledge 1']);
    expect(circuitEvents).toHaveLength(1);
    expect(await state()).toMatchObject({ interactionCount: 3 });
  });

  it('nothing is acknowledged without the sink of dead letters', async () => {
    const { interactions, log, processor } = startPipeline((parts) => {
      const { deadLetters, ...rest } = recorded(parts);
      return { ...rest, deadLetters: { publish: failingFirst(4, deadLetters.publish) } };
    });
    await interactions.send([message('no json')]);
    await until(() => processor.troubled.length > 0);
    expect(processor.troubled).toEqual(['publish dead letters']);
    expect(log).toEqual([]);
    await until(() => log.length === 2);
    expect(log).toEqual(['publish 1 dead letters', 'acknowledge 1']);
  });

  it('a source that cannot be read is read again', async () => {
    const { interactions, processor, state } = startPipeline((parts) => ({
      interactions: [
        {
          name: 'interactions',
          system: 'test',
          headerPrefix: 'ce-',
          read: failingFirst(4, (most, waitMs) => parts.interactions.read(most, waitMs)),
          close: () => parts.interactions.close(),
        },
      ],
    }));
    await interactions.send([success(start)]);
    await until(() => processor.troubled.includes('read interactions'));
    await until(() => processor.troubled.length === 0);
    await until(() => interactions.backlogBytes === 0);
    expect(await state()).toMatchObject({ interactionCount: 1 });
  });

  it('no more than one batch is held, however long it lasts', async () => {
    const { interactions, processor } = startPipeline((parts) => ({
      maxBatch: 10,
      store: changedStore(parts.store, {
        apply: () => {
          throw new Error('away');
        },
      }),
    }));
    await interactions.send(Array.from({ length: 100 }, () => success(start)));
    await until(() => processor.troubled.length > 0);
    const { backlogBytes } = interactions;
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(interactions.backlogBytes).toBe(backlogBytes);
    expect(backlogBytes).toBe(90 * (success(start).body.byteLength + 1_024));
  });

  it('it is told once when trouble begins, with its cause, and once when it is over', async () => {
    const told: string[] = [];
    const { interactions } = startPipeline((parts) => ({
      store: changedStore(parts.store, { apply: failingFirst(4, (batch) => parts.store.apply(batch)) }),
      weather: {
        failed: (what, error) => void told.push(`cannot ${what}: ${(error as Error).message}`),
        recovered: (what) => void told.push(`can ${what}`),
      },
    }));
    await interactions.send([success(start)]);
    await until(() => told.length === 2);
    expect(told).toEqual(['cannot apply interactions: away', 'can apply interactions']);
  });

  it('it is tried again after pauses that grow to ten seconds', async () => {
    const triedAt: number[] = [];
    const { interactions } = startPipeline((parts) => ({
      store: changedStore(parts.store, {
        apply: () => {
          triedAt.push(Date.now());
          throw new Error('away');
        },
      }),
    }));
    await interactions.send([success(start)]);
    await vi.advanceTimersByTimeAsync(60_000);
    const pauses = triedAt.slice(1).map((at, i) => at - (triedAt[i] as number));
    expect(pauses.slice(0, 9)).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  });
});

describe('starting', () => {
  it('publishes what a process that died had stored, before anything is read', async () => {
    const { interactions, log, circuitEvents } = startPipeline((parts) => {
      leaveTransitionBehind(parts.store);
      return recorded(parts);
    });
    await interactions.send([success(start)]);
    await until(() => log.length === 3);
    expect(log).toEqual(['publish 1 circuit events', 'apply 1', 'acknowledge 1']);
    expect(circuitEvents[0]).toMatchObject({ data: { agent_a: 'x', agent_b: 'y', to: 'OPEN' } });
  });

  it('runs once, however often it is asked to', () => {
    const { processor, running } = startPipeline();
    expect(processor.run()).toBe(running);
  });
});

describe('stopping', () => {
  it('finishes and acknowledges what was read and what was waiting, then run resolves', async () => {
    const { interactions, log, processor, running, state } = startPipeline((parts) => ({
      ...recorded(parts),
      maxBatch: 2,
    }));
    await interactions.send([...opening(start), failure(start)]);
    await Promise.all([processor.stop(), until(() => log.includes('acknowledge 1'))]);
    await running;
    expect(log.filter((entry) => entry.startsWith('acknowledge'))).toEqual([
      'acknowledge 2',
      'acknowledge 1',
    ]);
    expect(await state()).toMatchObject({ interactionCount: 3 });
  });

  it.each([
    ['fails', () => Promise.reject(new Error('away'))],
    ['does not answer', never],
  ])('gives up after graceMs when the store %s, and leaves the batch unacknowledged', async (_, apply) => {
    const { interactions, log, processor, running } = startPipeline((parts) => {
      const { store, ...rest } = recorded(parts);
      return { ...rest, store: changedStore(store, { apply }) };
    });
    await interactions.send([success(start)]);
    await vi.advanceTimersByTimeAsync(500);
    let stopped = false;
    const stopping = processor.stop(5_000).then(() => {
      stopped = true;
    });
    await vi.advanceTimersByTimeAsync(4_990);
    expect(stopped).toBe(false);
    await vi.advanceTimersByTimeAsync(10);
    await Promise.all([stopping, running]);
    expect(log).toEqual([]);
  });

  it('ends a source that waits for messages at once', async () => {
    const { processor, running } = startPipeline(() => ({ idleMs: 3_600_000 }));
    await vi.advanceTimersByTimeAsync(10);
    const stoppedAt = Date.now();
    await processor.stop();
    await running;
    expect(Date.now()).toBe(stoppedAt);
  });

  it('may be asked for twice', async () => {
    const { processor } = startPipeline();
    await processor.stop();
    await processor.stop();
  });
});

describe('running', () => {
  it('ends by itself when every source of interactions has ended, the commands with them', async () => {
    const { interactions, running, state } = startPipeline((parts) => ({
      interactions: [parts.interactions, emptySource],
    }));
    await interactions.send([success(start)]);
    interactions.close();
    await Promise.all([running, until(() => interactions.backlogBytes === 0)]);
    expect(await state()).toMatchObject({ interactionCount: 1 });
  });

  it('tells an observer of everything that is applied and refused', async () => {
    const seen: string[] = [];
    const { interactions } = startPipeline(() => ({
      observer: {
        applied: (event, result) => void seen.push(`${event.agentA} ${result.kind}`),
        refused: (sent, rejection) => void seen.push(`${sent.position.sequence} ${rejection.reason}`),
      },
    }));
    const told = deliver(interactions, [
      success(start, { id: 'one' }),
      message('?'),
      success(start, { id: 'one' }),
    ]);
    await until(() => seen.length === 3);
    await told;
    expect(seen).toEqual(['a applied', 'a duplicate', '2 invalid_json']);
  });

  it('acknowledges again when the acknowledgement fails', async () => {
    let acknowledged = 0;
    const { interactions, processor } = startPipeline((parts) => {
      const ack = failingFirst(3, async (batch: SourceBatch) => {
        await batch.ack();
        acknowledged += batch.messages.length;
      });
      return { interactions: [ackedBy(parts.interactions, ack)] };
    });
    await interactions.send([success(start)]);
    await until(() => processor.troubled.includes('acknowledge interactions'));
    await until(() => acknowledged === 1);
  });
});

const emptySource: EventSource = {
  name: 'empty',
  system: 'test',
  headerPrefix: 'ce-',
  read: async () => null,
  close: () => {},
};
