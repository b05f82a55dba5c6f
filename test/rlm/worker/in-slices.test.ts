import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { GaveUp } from '../../../src/retry.js';
import type { Turn } from '../../../src/rlm/transcript.js';
import { inSlices } from '../../../src/rlm/worker/in-slices.js';

async function* turns(count: number, length: number): AsyncGenerator<Turn> {
  for (let i = 0; i < count; i++) yield { speaker: 'ann', text: 'x'.repeat(length) };
}

describe('inSlices', () => {
  it('gives everybody else a turn after each 16 Ki characters', async () => {
    let given = 0;
    const timers = { turn: async () => void given++ };
    let read = 0;
    for await (const _ of inSlices(turns(100, 4 * 1024), timers, new AbortController().signal)) read++;
    expect(read).toBe(100);
    expect(given).toBe(25);
  });

  it('lets what waits for the event loop go on', async () => {
    let others = 0;
    let reading = true;
    const working = (async () => {
      for (; reading; others++) await nextTurn();
    })();
    for await (const _ of inSlices(
      turns(64, 64 * 1024),
      { turn: () => nextTurn() },
      new AbortController().signal,
    ));
    reading = false;
    await working;
    expect(others).toBeGreaterThanOrEqual(60);
  });

  it('gives up when it is told to, and closes what it reads', async () => {
    const stop = new AbortController();
    let closed = false;
    async function* source(): AsyncGenerator<Turn> {
      try {
        for (;;) yield { speaker: 'ann', text: 'x'.repeat(64 * 1024) };
      } finally {
        closed = true;
      }
    }
    const timers = { turn: async () => stop.abort() };
    await expect(async () => {
      for await (const _ of inSlices(source(), timers, stop.signal));
    }).rejects.toThrow(GaveUp);
    expect(closed).toBe(true);
  });
});
