import { describe, expect, it } from 'vitest';
import type { Turn } from '../../../src/rlm/transcript.js';
import { toldOnce } from '../../../src/rlm/worker/told-once.js';

const turn = (eventId: string | undefined, text: string, speaker = 'ann'): Turn => ({
  speaker,
  text,
  time: 0,
  ...(eventId === undefined ? {} : { eventId }),
});

async function once(...turns: readonly Turn[]): Promise<string[]> {
  const told: string[] = [];
  for await (const { text } of toldOnce(all(turns))) told.push(text);
  return told;
}

async function* all(turns: Iterable<Turn>): AsyncGenerator<Turn> {
  yield* turns;
}

describe('toldOnce', () => {
  it('drops what a producer sent again, also with others in between', async () => {
    expect(await once(turn('1', 'one'), turn('2', 'two'), turn('1', 'one'), turn('1', 'one'))).toEqual([
      'one',
      'two',
    ]);
  });

  it('keeps the same words under other ids: that is a loop', async () => {
    expect(await once(turn('1', 'again'), turn('2', 'again'), turn('3', 'again'))).toHaveLength(3);
  });

  it('keeps what has no id', async () => {
    expect(await once(turn(undefined, 'again'), turn(undefined, 'again'))).toHaveLength(2);
  });

  it('keeps what another said, or what reads otherwise, under one id', async () => {
    expect(await once(turn('1', 'one'), turn('1', 'one', 'bob'), turn('1', 'other'))).toHaveLength(3);
  });

  it('remembers the last thousand', async () => {
    const others = (count: number) => Array.from({ length: count }, (_, i) => turn(`other-${i}`, 'x'));
    expect(await once(turn('1', 'one'), ...others(999), turn('1', 'one'))).toHaveLength(1_000);
    expect(await once(turn('1', 'one'), ...others(1_000), turn('1', 'one'))).toHaveLength(1_002);
  });
});
