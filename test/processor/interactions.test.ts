import { describe, expect, it } from 'vitest';
import type { ApplyResult, Settlement, SourceMark, TrustStore } from '../../src/ports.js';
import { deliver, failure, message, opening, start, startPipeline, success, until } from './given.js';
import { ackedBy, changedStore, recorded, sharing } from './wrappers.js';

describe('a batch of interactions', () => {
  it('is applied, then what came of it is published, then it is acknowledged', async () => {
    const { interactions, log } = startPipeline(recorded);
    await interactions.send(opening(start));
    await until(() => log.length === 3);
    expect(log).toEqual(['apply 2', 'publish 1 circuit events', 'acknowledge 2']);
  });

  it('is acknowledged after its dead letters are published, and they are published after the rest is applied', async () => {
    const { interactions, log } = startPipeline(recorded);
    await interactions.send([success(start), message('no json'), success(start), message('{}')]);
    await until(() => log.length === 3);
    expect(log).toEqual(['apply 2', 'publish 2 dead letters', 'acknowledge 4']);
  });

  it('is acknowledged but for what a part of the store could not do, and that is when it has done it', async () => {
    let away = true;
    const { interactions, log, state } = startPipeline((parts) => {
      const written = recorded(parts);
      const apply: TrustStore['apply'] = async (batch) => {
        const results = await written.store.apply({
          ...batch,
          events: batch.events.filter(({ agentA }) => !away || agentA !== 'far'),
        });
        if (!away) return results;
        away = false;
        const given = [...results];
        return batch.events.map((event): ApplyResult => {
          if (event.agentA !== 'far') return given.shift() as ApplyResult;
          return { kind: 'failed', error: new Error('its master is gone') };
        });
      };
      return { ...written, store: changedStore(written.store, { apply }) };
    });
    const far = { agent_a: 'far' };
    await interactions.send([success(start), success(start, far), message('no json'), success(start)]);
    await until(() => log.length === 5);
    expect(log).toEqual(['apply 2', 'publish 1 dead letters', 'acknowledge 3', 'apply 1', 'acknowledge 1']);
    expect(await state()).toMatchObject({ interactionCount: 2 });
    expect(await state('far')).toMatchObject({ interactionCount: 1 });
  });

  it('is read and decoded while a shared store applies the one before it, and applied after that', async () => {
    const held: (() => void)[] = [];
    const { interactions, log } = startPipeline((parts) => {
      const written = recorded(parts);
      const apply: TrustStore['apply'] = async (batch) => {
        log.push(`hold ${batch.events.length}`);
        await new Promise<void>((resolve) => void held.push(resolve));
        return written.store.apply(batch);
      };
      return { ...written, store: sharing(changedStore(written.store, { apply })), maxBatch: 1 };
    });
    await interactions.send([success(start), success(start + 1)]);
    await until(() => interactions.backlogBytes === 0);
    expect(log).toEqual(['hold 1']);
    held[0]?.();
    await until(() => held.length === 2);
    expect(log).toEqual(['hold 1', 'apply 1', 'acknowledge 1', 'hold 1']);
    held[1]?.();
    await until(() => log.length === 6);
  });

  it('counts once when it is delivered again because its acknowledgement was lost', async () => {
    let lost = 0;
    const { interactions, state, circuitEvents } = startPipeline((parts) => ({
      interactions: [
        ackedBy(parts.interactions, (batch) => {
          if (batch.messages.length > 0 && lost++ === 0) parts.interactions.redeliver();
          else void batch.ack();
        }),
      ],
    }));
    await interactions.send([...opening(start), failure(start)]);
    await until(() => lost === 2);
    expect(await state()).toMatchObject({ interactionCount: 3, alpha: 1, beta: 4 });
    expect(circuitEvents.map(({ type }) => type)).toEqual(['fulcrum.trust.circuit.opened.v1']);
  });

  it('is no larger than maxBatch, and a long backlog keeps its order', async () => {
    const { interactions, log, state } = startPipeline((parts) => ({ ...recorded(parts), maxBatch: 100 }));
    await interactions.send(Array.from({ length: 250 }, (_, i) => success(start + i)));
    await until(() => log.length === 6);
    expect(log.filter((entry) => entry.startsWith('apply'))).toEqual(['apply 100', 'apply 100', 'apply 50']);
    expect(await state()).toMatchObject({ interactionCount: 250, lastUpdated: start + 249 });
  });

  it('leaves the process free for others between itself and the next', async () => {
    const { interactions } = startPipeline((parts) => ({ ...recorded(parts), maxBatch: 1 }));
    await interactions.send(Array.from({ length: 1_000 }, () => success(start)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(interactions.backlogBytes).toBeGreaterThan(0);
  });
});

describe('the sender of an interaction, when it can be told', () => {
  it('is told that it counted, and of the transitions that it caused', async () => {
    const { interactions } = startPipeline();
    const [first, second] = await deliver(interactions, opening(start));
    expect(first).toEqual({ kind: 'accepted', changed: true, transitions: [] });
    expect(second).toMatchObject({ kind: 'accepted', changed: true, transitions: [{ type: 'opened' }] });
  });

  it('is told that what it had sent before changes nothing', async () => {
    const { interactions, state } = startPipeline();
    const settlements = await deliver(interactions, [
      success(start, { id: 'one' }),
      success(start, { id: 'one' }),
    ]);
    expect(settlements.map((each) => each.kind === 'accepted' && each.changed)).toEqual([true, false]);
    expect(await state()).toMatchObject({ interactionCount: 1 });
  });

  it('is told of a refusal, which then is no dead letter; that of a silent sender is one', async () => {
    const { interactions, deadLetters } = startPipeline();
    await interactions.send([message({ agent_a: 'silent' })]);
    const [told] = await deliver(interactions, [message({ agent_a: 'a', outcome: 'success', time: start })]);
    expect(told).toEqual({
      kind: 'rejected',
      rejection: { reason: 'invalid_event', field: 'agent_b', rule: 'is required' },
    });
    expect(deadLetters).toHaveLength(1);
    expect(Buffer.from(deadLetters[0]?.body ?? []).toString()).toContain('silent');
  });

  it('is told after the circuit events are published and before the batch is acknowledged', async () => {
    const { interactions, log } = startPipeline(recorded);
    const settle = (settlement: Settlement): void => void log.push(settlement.kind);
    await interactions.send(opening(start).map((each) => ({ ...each, settle })));
    await until(() => log.length === 5);
    expect(log).toEqual(['apply 2', 'publish 1 circuit events', 'accepted', 'accepted', 'acknowledge 2']);
  });
});

describe('a dead letter', () => {
  it('has the bytes of the event, the field, the rule and the place it came from', async () => {
    const { interactions, deadLetters } = startPipeline();
    const bad = JSON.stringify({ agent_a: 'a', agent_b: 'b', outcome: 'great', time: start });
    await interactions.send([success(start), message(bad)]);
    await until(() => deadLetters.length === 1);
    expect(deadLetters[0]).toMatchObject({
      channel: 'dead-letters',
      id: 'memory:interactions/2',
      key: 'invalid_event',
      headers: {
        'dlq-id': 'memory:interactions/2',
        'dlq-reason': 'invalid_event',
        'dlq-detail': 'outcome must be one of success, failure, partial',
        'dlq-source-position': 'interactions/2',
      },
    });
    expect(Buffer.from(deadLetters[0]?.body ?? []).toString()).toBe(bad);
  });

  it('has the same id when its event is delivered again', async () => {
    let lost = 0;
    const { interactions, deadLetters } = startPipeline((parts) => ({
      interactions: [
        ackedBy(parts.interactions, (batch) => {
          if (batch.messages.length > 0 && lost++ === 0) parts.interactions.redeliver();
          else void batch.ack();
        }),
      ],
    }));
    await interactions.send([message('no json')]);
    await until(() => lost === 2);
    expect(deadLetters.map(({ headers }) => headers['dlq-id'])).toEqual([
      'memory:interactions/1',
      'memory:interactions/1',
    ]);
  });

  it('is made of what the store does not take, and of that alone', async () => {
    const { interactions, deadLetters, state } = startPipeline((parts) => ({
      store: changedStore(parts.store, {
        apply: async (batch) => {
          const bad = batch.events.findIndex(({ agentB }) => agentB === 'other');
          const others = batch.events.filter((_, i) => i !== bad);
          const results = [...(await parts.store.apply({ ...batch, events: others }))];
          if (bad >= 0)
            results.splice(bad, 0, { kind: 'rejected', reason: 'pair_id_collision', detail: 'taken' });
          return results;
        },
      }),
    }));
    await interactions.send([success(start), success(start, { agent_b: 'other' }), success(start)]);
    await until(() => deadLetters.length === 1);
    expect(deadLetters[0]?.headers).toMatchObject({
      'dlq-id': 'memory:interactions/2',
      'dlq-reason': 'pair_id_collision',
      'dlq-detail': 'taken',
    });
    expect(await state()).toMatchObject({ interactionCount: 2 });
  });
});

describe('the mark of a source', () => {
  it('is written when the source ends, and not before anything was acknowledged', async () => {
    const marks: SourceMark[] = [];
    const { interactions, processor } = startPipeline((parts) => ({
      store: changedStore(parts.store, {
        mark: (written) => {
          marks.push(...written);
          return null;
        },
      }),
    }));
    await deliver(interactions, [success(start), success(start)]);
    expect(marks).toEqual([]);
    await processor.stop();
    expect(marks).toEqual([{ source: 'interactions', acknowledged: 2 }]);
  });
});
