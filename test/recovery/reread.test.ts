import { describe, expect, it } from 'vitest';
import type {
  Broker,
  Channel,
  FollowFrom,
  LogSource,
  MessageToSend,
  SourceMessage,
  SourceStanding,
} from '../../src/ports.js';
import { reread } from '../../src/recovery/reread.js';
import { MemoryStore } from '../../src/store/memory.js';
import { MemorySink } from '../../src/streams/memory.js';
import { makePairId } from '../../src/trust/pair.js';
import { command, failure, message, start, success } from '../processor/given.js';
import { circuitOf, resetOf, workOn } from './given.js';

/** A log whose messages have the positions 1 and on; what is null is gone from it. */
class GivenLog {
  readonly name: string;
  readonly messages: (SourceMessage | null)[] = [];
  acknowledged = 0;
  delivered = 0;

  constructor(readonly channel: Channel) {
    this.name = `${channel}@1`;
  }

  add(...sent: readonly (MessageToSend | null)[]): void {
    for (const one of sent) {
      const position = { source: this.name, sequence: this.messages.length + 1 };
      this.messages.push(one === null ? null : { ...one, tenant: null, position, receivedAt: start });
    }
  }

  standing(): SourceStanding {
    const { name: source, acknowledged, delivered } = this;
    return { source, acknowledged, delivered, last: this.messages.length };
  }

  follow(from: FollowFrom): LogSource {
    let at = from instanceof Map ? ((from.get(this.name) as number | undefined) ?? 0) : 0;
    return {
      name: this.name,
      system: 'test',
      headerPrefix: 'ce-',
      logs: () => [this.name],
      read: async (most) => {
        const messages = this.messages.slice(at, at + most).filter((one) => one !== null);
        at = Math.min(at + most, this.messages.length);
        return { messages, ack: () => {} };
      },
      progress: () => {
        const next = this.messages.slice(at).find((one) => one !== null) ?? null;
        return [{ source: this.name, acknowledged: at, last: this.messages.length, next }];
      },
      close: () => {},
    };
  }
}

function given() {
  const logs = {
    interactions: new GivenLog('interactions'),
    commands: new GivenLog('commands'),
    circuits: new GivenLog('circuits'),
    'dead-letters': new GivenLog('dead-letters'),
    analyses: new GivenLog('analyses'),
  };
  const looks: string[] = [];
  const broker: Pick<Broker, 'follow' | 'standing'> = {
    follow: async (channel, from) => logs[channel].follow(from),
    standing: async (channel) => {
      looks.push(channel);
      return [logs[channel].standing()];
    },
  };
  const store = new MemoryStore({ clock: () => start });
  const letters = new MemorySink();
  const deadLetters: string[] = [];
  letters.subscribe(({ id }) => void deadLetters.push(id));
  const slept: number[] = [];
  const overtaken: unknown[] = [];
  const work = {
    ...workOn(store),
    deadLetters: letters,
    rules: { timedRecovery: true, streamed: true },
    timers: {
      elapsedMs: () => 0,
      turn: async () => {},
      sleep: async (ms: number) => {
        slept.push(ms);
        onSleep();
      },
    },
  };
  let onSleep = (): void => {};
  const aborted = new AbortController();
  const run = (from: ReadonlyMap<string, number> = new Map()) =>
    reread(work, {
      tail: { from, since: start },
      broker,
      sources: { interactions: [], commands: [] },
      overtaken: (pairs, since) => void overtaken.push([[...pairs], since]),
      signal: aborted.signal,
      begins: () => {},
    });
  const count = (agentB = 'b') =>
    store.read('default', makePairId('a', agentB))?.state?.interactionCount ?? 0;
  return {
    ...{ logs, looks, work, store, deadLetters, slept, overtaken, run, count, aborted },
    onSleep: (work: () => void) => {
      onSleep = work;
    },
  };
}

describe('a lost tail', () => {
  it('is read from what is surely there up to what was delivered', async () => {
    const { logs, run, count } = given();
    logs.interactions.add(...Array.from({ length: 40 }, () => success(start)));
    Object.assign(logs.interactions, { acknowledged: 25, delivered: 30 });
    expect(await run(new Map([['interactions@1', 5]]))).toEqual({
      ...{ interactions: 25, lost: 25, commands: 0, announced: 0 },
    });
    expect(count()).toBe(25);
    expect(await run(new Map([['interactions@1', 5]]))).toMatchObject({ interactions: 25, lost: 0 });
  });

  it('reaches to what this process was handed, where the broker does not know that', async () => {
    const { logs, run, count, work } = given();
    logs.interactions.add(...Array.from({ length: 40 }, () => success(start)));
    work.handed.note(logs.interactions.messages.slice(0, 20).filter((one) => one !== null));
    await run();
    expect(count()).toBe(20);
  });

  it('reaches to what others acknowledge a moment later, where the broker does not know what they were handed', async () => {
    const { logs, run, count, slept, onSleep } = given();
    logs.interactions.add(...Array.from({ length: 40 }, () => success(start)));
    Object.assign(logs.interactions, { acknowledged: 10, delivered: 10 });
    onSleep(() => Object.assign(logs.interactions, { acknowledged: 18, delivered: 18 }));
    expect(await run()).toMatchObject({ interactions: 18, lost: 18 });
    expect(count()).toBe(18);
    expect(slept).toEqual([2_000]);
  });

  it('ends where its end is gone from the log', async () => {
    const { logs, run, count } = given();
    logs.interactions.add(success(start), null, null);
    Object.assign(logs.interactions, { acknowledged: 0, delivered: 3 });
    expect(await run()).toMatchObject({ interactions: 1 });
    logs.interactions.add(...Array.from({ length: 20 }, () => success(start)));
    expect(await run()).toMatchObject({ interactions: 1, lost: 0 });
    expect(count()).toBe(1);
  });

  it('has its commands before its interactions', async () => {
    const { logs, run, store } = given();
    logs.interactions.add(success(start + 1), success(start + 9));
    logs.commands.add(command('reset', start + 5));
    for (const log of [logs.interactions, logs.commands]) Object.assign(log, { delivered: 2 });
    expect(await run()).toMatchObject({ commands: 1, lost: 2 });
    expect(store.read('default', makePairId('a', 'b'))?.state).toMatchObject({ alpha: 2, beta: 1 });
  });

  it('makes a dead letter of what the store does not take, and not again of what is no event', async () => {
    const { logs, run, work, deadLetters, count } = given();
    logs.interactions.add(message('no json'), failure(start), success(start, { agent_b: 'other' }));
    Object.assign(logs.interactions, { delivered: 3 });
    const { apply } = work.store;
    work.store.apply = async (batch) => {
      const taken = batch.events.filter(({ agentB }) => agentB === 'other');
      const results = await apply.call(work.store, { ...batch, events: taken });
      return batch.events.map(({ agentB }) =>
        agentB === 'other'
          ? (results[0] as (typeof results)[number])
          : ({ kind: 'rejected', reason: 'pair_id_collision', detail: 'taken' } as const),
      );
    };
    expect(await run()).toMatchObject({ interactions: 3, lost: 1 });
    expect(deadLetters).toEqual(['test:interactions@1/2']);
    expect(count('other')).toBe(1);
  });

  it('has a circuit that was published again behind a newer one looked at', async () => {
    const { logs, run, overtaken } = given();
    const told = (agents: string, transition: number): MessageToSend =>
      message(JSON.stringify(circuitOf({ pairId: makePairId('a', agents), transition })));
    logs.circuits.add(told('late', 1), told('late', 2), told('well', 1), told('well', 2), told('late', 1));
    await run();
    expect(overtaken).toEqual([[[[`default/${makePairId('a', 'late')}`, 1]], start]]);
  });

  it('has resets take effect as it is told when they are applied, not when the reading began', async () => {
    const { logs, run, store } = given();
    logs.commands.add(command('reset', start + 5, { id: 'c-1' }));
    Object.assign(logs.commands, { acknowledged: 0, delivered: 1 });
    const { follow } = logs.commands;
    logs.commands.follow = (from) => {
      const reset = resetOf('c-1', start + 9, { pairId: makePairId('a', 'b') });
      logs.circuits.add(message(JSON.stringify(reset)));
      return follow.call(logs.commands, from);
    };
    await run();
    expect(store.read('default', makePairId('a', 'b'))?.resetAt).toBe(start + 9);
  });

  it('is not taken for applied when the process is stopped', async () => {
    const { logs, run, aborted } = given();
    logs.interactions.add(...Array.from({ length: 40 }, () => success(start)));
    Object.assign(logs.interactions, { delivered: 40 });
    aborted.abort();
    expect(await run()).toBeNull();
  });
});
