import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FulcrumError, messageOf } from '../../../src/errors.js';
import { type Signs, Watchdog } from '../../../src/streams/kafka/watchdog.js';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A watchdog of runs that do what the test says. */
function watched() {
  const runs: Signs[] = [];
  const said: string[] = [];
  let stopped = 0;
  const watchdog = new Watchdog({
    start: (signs) => {
      runs.push(signs);
      return {
        stop: async () => {
          stopped++;
        },
      };
    },
    stallMs: 1_000,
    waitingMs: 5_000,
    explain: (error) => new FulcrumError('unavailable', error === null ? 'silent' : messageOf(error)),
    onDown: ({ message }) => said.push(message),
    onUp: () => said.push('up'),
  });
  watchdog.begin();
  const current = (): Signs => runs.at(-1) as Signs;
  return { watchdog, runs, said, current, stopped: () => stopped };
}

test('what dies is stopped and started anew, with growing pauses, until it is up', async () => {
  const { watchdog, runs, said, current, stopped } = watched();
  current().died(new Error('first'));
  expect(watchdog.failure?.message).toBe('first');
  await vi.advanceTimersByTimeAsync(249);
  expect(runs).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(runs).toHaveLength(2);
  current().died(new Error('second'));
  await vi.advanceTimersByTimeAsync(499);
  expect(runs).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(runs).toHaveLength(3);
  expect(watchdog.failure?.message).toBe('second');
  current().alive();
  expect(watchdog.failure).toBeNull();
  expect(watchdog.restarts).toBe(2);
  expect(stopped()).toBe(2);
  expect(said).toEqual(['first', 'up']);
  await watchdog.close();
});

test('what falls silent is started anew; who waits for others has longer', async () => {
  const { watchdog, runs, said, current } = watched();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(runs).toHaveLength(1);
  current().alive();
  for (let i = 0; i < 10; i++) {
    await vi.advanceTimersByTimeAsync(900);
    current().alive();
  }
  current().waiting();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(said).toEqual([]);
  expect(watchdog.silent).toBe(true);
  current().alive();
  expect(watchdog.silent).toBe(false);
  await vi.advanceTimersByTimeAsync(501);
  expect(watchdog.silent).toBe(true);
  expect(said).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(said).toEqual(['silent']);
  expect(runs).toHaveLength(2);
  await watchdog.close();
});

test('a process that was held up itself listens first', async () => {
  const { watchdog, said, current } = watched();
  current().alive();
  vi.setSystemTime(60_000);
  await vi.advanceTimersByTimeAsync(250);
  current().alive();
  await vi.advanceTimersByTimeAsync(500);
  expect(said).toEqual([]);
  await watchdog.close();
});

test('nobody hears a run that was given up, and nothing starts once it is closed', async () => {
  const { watchdog, runs, said, current } = watched();
  const first = current();
  first.died(new Error('gone'));
  first.alive();
  first.died(new Error('again'));
  expect(said).toEqual(['gone']);
  await watchdog.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(runs).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});
