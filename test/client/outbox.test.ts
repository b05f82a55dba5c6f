import { describe, expect, it, onTestFinished } from 'vitest';
import { Outbox, type OutboxOptions, type Refused } from '../../src/client/outbox.js';
import type { Report } from '../../src/client/report.js';
import { FulcrumError } from '../../src/errors.js';

const report = (number: number): Report => ({
  number,
  atMs: 0,
  agentA: 'ann',
  agentB: 'bob',
  outcome: 'success',
  details: undefined,
});

/** A server that takes a batch when the test says so. */
class Server {
  readonly batches: number[][] = [];
  private readonly open: ((error: Error | null, refused?: readonly Refused[]) => void)[] = [];
  private waiting: (() => void)[] = [];

  readonly send = (batch: readonly Report[]): Promise<readonly Refused[]> => {
    this.batches.push(batch.map(({ number }) => number));
    for (const go of this.waiting.splice(0)) go();
    return new Promise((resolve, reject) => {
      this.open.push((error, refused = []) => (error === null ? resolve(refused) : reject(error)));
    });
  };

  /** Resolves when so many batches were sent. */
  async got(batches: number): Promise<void> {
    while (this.batches.length < batches) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Answers the oldest batch that is not answered. */
  answer(error: Error | null = null, refused: readonly Refused[] = []): void {
    this.open.shift()?.(error, refused);
  }
}

function outboxTo(server: Server, options: Partial<OutboxOptions> = {}): Outbox {
  const outbox = new Outbox({
    send: server.send,
    maxEvents: 10,
    maxBytes: 1_000,
    whenFull: 'wait',
    onTrouble: () => {},
    onRecovered: () => {},
    onRefused: () => {},
    ...options,
  });
  onTestFinished(() => {
    for (let i = 0; i < 10; i++) server.answer(new Error('over'));
    return outbox.stop();
  });
  return outbox;
}

/** Whether a promise is settled by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(open)])) !== open;
}

const away = new FulcrumError('unavailable', 'away');

describe('an outbox', () => {
  it('sends together what is added in one turn', async () => {
    const server = new Server();
    const outbox = outboxTo(server);
    for (let i = 1; i <= 4; i++) void outbox.add(report(i), 1);
    await server.got(1);
    expect(server.batches).toEqual([[1, 2, 3, 4]]);
    expect(outbox.counts).toMatchObject({ buffered: 4, sent: 0 });
    server.answer();
    await outbox.flush(4);
    expect(outbox.counts).toMatchObject({ buffered: 0, sent: 4 });
  });

  it('holds back who awaits it, from the bound on, in their order', async () => {
    const server = new Server();
    const outbox = outboxTo(server, { maxEvents: 3 });
    const added = [1, 2, 3, 4, 5].map((number) => outbox.add(report(number), 1));
    await server.got(1);
    expect(await Promise.all(added.map(isDone))).toEqual([true, true, true, false, false]);
    expect(outbox.counts).toMatchObject({ buffered: 3, refused: 0 });
    server.answer();
    await Promise.all(added);
    await server.got(2);
    expect(server.batches).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('has a bound in bytes too, which one report may break', async () => {
    const server = new Server();
    const outbox = outboxTo(server, { maxBytes: 100 });
    const large = outbox.add(report(1), 500);
    const next = outbox.add(report(2), 1);
    await server.got(1);
    expect(await Promise.all([large, next].map(isDone))).toEqual([true, false]);
    server.answer();
    await next;
  });

  it('refuses those for whom there is not even room to wait, and counts them', async () => {
    const outbox = outboxTo(new Server(), { maxEvents: 2 });
    for (let i = 1; i <= 4; i++) void outbox.add(report(i), 1);
    await expect(outbox.add(report(5), 1)).rejects.toMatchObject({ code: 'buffer_full' });
    // Nobody awaits this one, and nothing comes of it.
    void outbox.add(report(6), 1);
    expect(outbox.counts).toMatchObject({ buffered: 2, refused: 2 });
  });

  it('lets the oldest go where that was asked for, never what is under way', async () => {
    const server = new Server();
    const outbox = outboxTo(server, { maxEvents: 3, whenFull: 'dropOldest' });
    void outbox.add(report(1), 1);
    await server.got(1);
    for (let i = 2; i <= 6; i++) expect(await isDone(outbox.add(report(i), 1))).toBe(true);
    expect(outbox.counts).toMatchObject({ buffered: 3 });
    const flushed = outbox.flush(6);
    while (!(await isDone(flushed))) server.answer();
    const { sent, dropped } = outbox.counts;
    expect(dropped).toBeGreaterThan(0);
    expect(sent + dropped).toBe(6);
    expect(server.batches[0]).toEqual([1]);
  });

  it('sends a batch again until it is taken, and tells of the trouble once', async () => {
    const server = new Server();
    const told: string[] = [];
    const outbox = outboxTo(server, {
      onTrouble: ({ message }) => told.push(message),
      onRecovered: () => told.push('recovered'),
    });
    void outbox.add(report(1), 1);
    for (let attempt = 1; attempt <= 3; attempt++) {
      await server.got(attempt);
      server.answer(attempt < 3 ? away : null);
    }
    await outbox.flush(1);
    expect(server.batches).toEqual([[1], [1], [1]]);
    expect(told).toEqual(['away', 'recovered']);
    expect(outbox.counts).toMatchObject({ sent: 1, retries: 2 });
  });

  it('tells what was refused, and does not send it again', async () => {
    const server = new Server();
    const refused: number[] = [];
    const outbox = outboxTo(server, { onRefused: ({ report: { number } }) => refused.push(number) });
    void outbox.add(report(1), 1);
    void outbox.add(report(2), 1);
    await server.got(1);
    server.answer(null, [{ report: report(2), rejection: { field: 'time', rule: 'is late' } }]);
    await outbox.flush(2);
    expect(refused).toEqual([2]);
    expect(outbox.counts).toMatchObject({ sent: 1, refused: 1, buffered: 0 });
  });

  it('flushes what was added before, whatever comes after', async () => {
    const server = new Server();
    const outbox = outboxTo(server);
    void outbox.add(report(1), 1);
    await server.got(1);
    void outbox.add(report(2), 1);
    await server.got(2);
    const [first, second] = [outbox.flush(1), outbox.flush(2)];
    server.answer();
    await first;
    expect(await isDone(second)).toBe(false);
    server.answer();
    await second;
    await outbox.flush(2);
  });

  it('ends at once while the server is away', async () => {
    const server = new Server();
    const outbox = outboxTo(server);
    void outbox.add(report(1), 1);
    await server.got(1);
    server.answer(away);
    await outbox.stop();
    expect(outbox.counts).toMatchObject({ buffered: 1, sent: 0 });
  });
});
