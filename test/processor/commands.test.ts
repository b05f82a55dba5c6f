import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { command, deliver, message, opening, start, startPipeline, success, until } from './given.js';
import { changedStore, failingFirst, recorded, stuckSource } from './wrappers.js';

describe("an operator's command", () => {
  it('terminates a pair, for whoever reads the circuits stream', async () => {
    const { interactions, commands, circuitEvents, state } = startPipeline();
    await deliver(interactions, [success(start)]);
    const [told] = await deliver(commands, [command('terminate', start + 5, { id: 'stop-it' })]);
    expect(told).toMatchObject({ kind: 'accepted', changed: true, transitions: [{ type: 'terminated' }] });
    expect(circuitEvents).toMatchObject([
      {
        type: 'fulcrum.trust.circuit.terminated.v1',
        data: {
          from: 'CLOSED',
          to: 'TERMINATED',
          occurred_at: start + 5,
          interaction_count: 1,
          cause: { kind: 'operator', event_id: 'stop-it', actor: 'ann', reason: 'on purpose' },
        },
      },
    ]);
    expect(await state()).toMatchObject({ circuitState: 'TERMINATED' });
  });

  it('terminates a pair of which nothing is known', async () => {
    const { commands, state } = startPipeline();
    await deliver(commands, [command('terminate', start)]);
    expect(await state()).toMatchObject({ circuitState: 'TERMINATED', interactionCount: 0 });
  });

  it('resets a pair: its next interaction is its first, and what came before the reset is void', async () => {
    const { interactions, commands, circuitEvents, state } = startPipeline();
    await deliver(interactions, opening(start));
    await deliver(commands, [command('reset', start + 10)]);
    expect(circuitEvents.at(-1)).toMatchObject({
      type: 'fulcrum.trust.circuit.reset.v1',
      data: { from: 'OPEN', to: 'CLOSED', occurred_at: start + 10, interaction_count: 0 },
    });
    expect(await state()).toBeNull();
    const [late, next] = await deliver(interactions, [success(start + 10), success(start + 11)]);
    expect(late).toMatchObject({ kind: 'accepted', changed: false });
    expect(next).toMatchObject({ kind: 'accepted', changed: true });
    expect(await state()).toMatchObject({ interactionCount: 1, alpha: 2, beta: 1 });
  });

  it('changes nothing the second time, and says so', async () => {
    const { commands, circuitEvents } = startPipeline();
    const settlements = await deliver(commands, [
      command('reset', start),
      command('terminate', start + 1),
      command('terminate', start + 1),
      command('terminate', start + 2),
      command('reset', start + 3),
      command('reset', start + 3),
    ]);
    expect(settlements.map((each) => each.kind === 'accepted' && each.changed)).toEqual([
      false,
      true,
      false,
      false,
      true,
      false,
    ]);
    expect(circuitEvents).toHaveLength(2);
  });

  it('is ordered by its own time: a terminate not after the last reset changes nothing', async () => {
    const { commands, state } = startPipeline();
    await deliver(commands, [command('reset', start + 10), command('terminate', start + 9)]);
    expect(await state()).toBeNull();
  });

  it('is ordered by its own time: a reset older than the last terminate leaves the pair terminated', async () => {
    const { interactions, commands, state } = startPipeline();
    await deliver(interactions, opening(start));
    await deliver(commands, [command('terminate', start + 10), command('reset', start + 9)]);
    expect(await state()).toMatchObject({
      circuitState: 'TERMINATED',
      interactionCount: 0,
      alpha: 1,
      beta: 1,
    });
  });

  it('is one of the tenant that it names', async () => {
    const { commands, state } = startPipeline();
    await deliver(commands, [command('terminate', start, { tenant: 'blue' })]);
    expect(await state('a', 'b', 'blue')).toMatchObject({ circuitState: 'TERMINATED' });
    expect(await state()).toBeNull();
  });

  it('is not delayed by a source of interactions that is blocked', async () => {
    const { commands, circuitEvents } = startPipeline(() => ({
      interactions: [stuckSource('blocked', [])],
    }));
    await deliver(commands, [command('terminate', start)]);
    expect(circuitEvents).toHaveLength(1);
  });

  it('is not delayed by interactions that cannot be applied', async () => {
    const { interactions, commands, processor, circuitEvents } = startPipeline((parts) => ({
      store: changedStore(parts.store, {
        apply: () => {
          throw new Error('away');
        },
      }),
    }));
    await interactions.send([success(start)]);
    await until(() => processor.troubled.length > 0);
    await deliver(commands, [command('terminate', start)]);
    expect(circuitEvents).toHaveLength(1);
  });

  it('overtakes a backlog of interactions', async () => {
    const { interactions, commands } = startPipeline(() => ({ maxBatch: 1 }));
    await interactions.send(Array.from({ length: 1_000 }, (_, i) => success(start, { agent_b: `b-${i}` })));
    await deliver(commands, [command('terminate', start)]);
    expect(interactions.backlogBytes).toBeGreaterThan(0);
  });
});

describe('a command that is refused', () => {
  it.each([
    ['no json', 'invalid_json', ''],
    [{ agent_a: 'a', agent_b: 'b', time: start }, 'invalid_event', 'action'],
    [{ agent_a: 'a', agent_b: 'b', action: 'pause', time: start }, 'invalid_event', 'action'],
    [{ agent_a: 'a', action: 'reset', time: start }, 'invalid_event', 'agent_b'],
    [{ agent_a: 'a', agent_b: 'b', action: 'reset', time: start + 301 }, 'time_in_future', 'time'],
  ])('%j is told to who sent it, as %s of the field %s', async (event, reason, field) => {
    const { commands, deadLetters } = startPipeline();
    const [told] = await deliver(commands, [message(event)]);
    expect(told).toMatchObject({ kind: 'rejected', rejection: { reason, field } });
    expect(deadLetters).toEqual([]);
  });

  it('is a dead letter when there is nobody to tell', async () => {
    const { commands, deadLetters } = startPipeline();
    await commands.send([message({ agent_a: 'a', agent_b: 'b', action: 'pause', time: start })]);
    await until(() => deadLetters.length === 1);
    expect(deadLetters[0]?.headers).toMatchObject({
      'dlq-id': 'memory:commands/1',
      'dlq-detail': 'action must be one of terminate, reset',
    });
  });
});

describe('while a part is away', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('a command waits, and is applied once when the store is back', async () => {
    const { commands, circuitEvents, processor } = startPipeline((parts) => ({
      store: changedStore(parts.store, { command: failingFirst(3, (sent) => parts.store.command(sent)) }),
    }));
    const told = deliver(commands, [command('terminate', start)]);
    await until(() => processor.troubled.includes('apply a command'));
    await until(() => circuitEvents.length === 1);
    expect(await told).toMatchObject([{ kind: 'accepted', changed: true }]);
  });

  it('a command whose circuit event cannot be published is not told as done', async () => {
    const { commands, log } = startPipeline((parts) => {
      const { circuits } = recorded(parts);
      return { circuits: { publish: failingFirst(3, circuits.publish) } };
    });
    void deliver(commands, [command('terminate', start)]).then(() => log.push('told'));
    await until(() => log.length === 2);
    expect(log).toEqual(['publish 1 circuit events', 'told']);
  });
});
