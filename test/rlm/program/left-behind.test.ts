import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { done, run } from './running.js';

/** Threads that were started and have not ended. */
const running = new Set<Worker>();
const onWorker = (worker: Worker): void => {
  running.add(worker);
  worker.once('exit', () => running.delete(worker));
};
process.on('worker', onWorker);

afterEach(() => {
  expect(running.size).toBe(0);
});

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('the thread of a program', () => {
  it.each([
    ['done', `handles()`, {}],
    ['failed', `throw 1`, {}],
    ['interrupted', `for (;;);`, { cpuMs: 100 }],
    ['in a native call', `new Array(4e9).indexOf(1)`, { cpuMs: 100 }],
    ['waiting', `peek('h')`, { deadlineMs: 500, answer: () => new Promise(() => {}) }],
  ])('is gone when its run is: %s', async (_, program, options) => {
    const before = timers();
    await run(program, options);
    expect(running.size).toBe(0);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('is gone when the host has a fault, and when its answer comes too late', async () => {
    await expect(
      run(`handles()`, {
        answer: () => {
          throw new TypeError('a fault');
        },
      }),
    ).rejects.toThrow('a fault');
    let late = (_: unknown): void => {};
    const { end } = await run(`handles()`, {
      deadlineMs: 500,
      answer: () =>
        new Promise((resolve) => {
          late = resolve;
        }),
    });
    const before = timers();
    late([]);
    await new Promise(setImmediate);
    expect(end.kind).toBe('killed');
    expect(timers()).toBe(before);
  });

  it('that dies under its program is told as such, while it runs and while it waits', async () => {
    for (const program of [`handles(); for (;;);`, `handles(); peek()`]) {
      const { end } = await run(program, {
        answer: (primitive) => {
          if (primitive === 'handles') for (const worker of running) setTimeout(() => worker.terminate(), 10);
          return primitive === 'handles' ? [] : new Promise(() => {});
        },
      });
      expect(end).toEqual({ kind: 'killed', cause: 'its thread ended before it did' });
    }
  });

  it('leaves nothing to grow over 60 runs, some of them side by side', async () => {
    const programs = [
      `recordStep(peek('h'))`,
      `throw 1`,
      `const all = []; for (;;) all.push(new Uint8Array(1e6))`,
    ];
    const some = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 4)
        await Promise.all(
          Array.from({ length: 4 }, (_, j) =>
            run(programs[(i + j) % programs.length] ?? '', { answer: () => 'x'.repeat(100_000) }),
          ),
        );
    };
    await some(24);
    const before = process.memoryUsage().rss;
    await some(60);
    expect(process.memoryUsage().rss - before).toBeLessThan(80 * 1024 * 1024);
    expect((await run('')).end).toEqual(done);
  });
});
