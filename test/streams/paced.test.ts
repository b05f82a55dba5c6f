import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventSource, SourceBatch, SourceMessage } from '../../src/ports.js';
import { PacedSource } from '../../src/streams/paced.js';

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A source that has all of its events at once. */
class Recording implements EventSource {
  readonly name = 'recording';
  readonly system = 'test';
  readonly headerPrefix = 'ce_';
  closed = false;

  constructor(private readonly bodies: string[]) {}

  read(maxMessages: number): Promise<SourceBatch | null> {
    const bodies = this.bodies.splice(0, maxMessages);
    const messages = bodies.map((body, index) => this.message(body, index));
    return Promise.resolve(messages.length === 0 ? null : { messages, ack: () => {} });
  }

  close(): void {
    this.closed = true;
  }

  private message(body: string, index: number): SourceMessage {
    const position = { source: this.name, sequence: index + 1 };
    return { body: Buffer.from(body), headers: {}, tenant: null, position, receivedAt: null };
  }
}

const wallClock = (): number => Date.now() / 1_000;
const at = (time: unknown): string => JSON.stringify({ time });

function paced(speed: number, ...bodies: string[]): { source: PacedSource; recording: Recording } {
  const recording = new Recording(bodies);
  return { source: new PacedSource(recording, speed, wallClock), recording };
}

/** Reads to the end; says which bodies came how many wall-clock ms after the start. */
async function play(source: PacedSource, maxWaitMs = 100): Promise<[ms: number, bodies: string[]][]> {
  const startedAt = Date.now();
  const played: [number, string[]][] = [];
  for (;;) {
    const reading = source.read(100, maxWaitMs);
    await vi.advanceTimersToNextTimerAsync();
    const batch = await reading;
    if (batch === null) return played;
    if (batch.messages.length > 0)
      played.push([Date.now() - startedAt, batch.messages.map(({ body }) => Buffer.from(body).toString())]);
  }
}

describe('a paced source', () => {
  it('delivers events as far apart as they happened', async () => {
    const { source } = paced(1, at(50), at(50), at(50.25), at(51));
    expect(await play(source)).toEqual([
      [0, [at(50), at(50)]],
      [250, [at(50.25)]],
      [1_000, [at(51)]],
    ]);
  });

  it('delivers them as much faster, or slower, as it is told', async () => {
    expect(await play(paced(3_600, at(0), at(3_600)).source)).toEqual([
      [0, [at(0)]],
      [1_000, [at(3_600)]],
    ]);
    expect(await play(paced(0.5, at(0), at(1)).source)).toEqual([
      [0, [at(0)]],
      [2_000, [at(1)]],
    ]);
  });

  it('takes times in either form', async () => {
    const { source } = paced(1, at('1970-01-01T00:00:10Z'), at(10.5), at('1970-01-01T00:00:11Z'));
    expect((await play(source)).map(([ms]) => ms)).toEqual([0, 500, 1_000]);
  });

  it('delivers an event that is late as soon as its turn comes', async () => {
    const { source } = paced(1, at(10), at(12), at(11));
    expect(await play(source)).toEqual([
      [0, [at(10)]],
      [2_000, [at(12), at(11)]],
    ]);
  });

  it('delivers what says no time, or no possible one, with the event before it', async () => {
    const odd = ['{', 'null', '{}', at('soon'), at(1e300), at(true)];
    const { source } = paced(1, at(10), ...odd, at(11));
    expect(await play(source)).toEqual([
      [0, [at(10), ...odd]],
      [1_000, [at(11)]],
    ]);
  });

  it('does not wait for ages when the first event says no time', async () => {
    for (const odd of ['# a comment', '{}', at(-1e300)]) {
      const { source } = paced(1, odd, at(1_700_000_000), at(1_700_000_001));
      const played = await play(source);
      expect(played.flatMap(([, bodies]) => bodies)).toEqual([odd, at(1_700_000_000), at(1_700_000_001)]);
      expect(played.at(-1)?.[0]).toBe(1_000);
    }
  });

  it('answers with an empty batch while nothing is due', async () => {
    const { source } = paced(1, at(10), at(20));
    expect((await source.read(100, 30))?.messages).toHaveLength(1);
    const reading = source.read(100, 30);
    await vi.advanceTimersByTimeAsync(30);
    expect((await reading)?.messages).toEqual([]);
  });

  it('says how far the time of the events has gone', async () => {
    const { source } = paced(60, at(1_000), at(2_000));
    expect(source.clock()).toBe(0);
    await source.read(100, 10);
    expect(source.clock()).toBe(1_000);
    vi.advanceTimersByTime(500);
    expect(source.clock()).toBe(1_030);
  });

  it('is read as its source is', () => {
    expect(paced(1).source).toMatchObject({ name: 'recording', headerPrefix: 'ce_' });
  });

  it('closes its source, and gives nothing more of what was waiting', async () => {
    const { source, recording } = paced(1, at(10), at(20));
    await source.read(100, 10);
    await source.close();
    expect(recording.closed).toBe(true);
    expect(await source.read(100, 10)).toBeNull();
  });
});
