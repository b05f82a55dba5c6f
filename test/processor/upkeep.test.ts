import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { LogSource, SourceMark, SourceProgress } from '../../src/ports.js';
import { failure, opening, start, startPipeline, until } from './given.js';
import { sharing } from './wrappers.js';

/** A source with logs that say how far they are. */
function logged(
  source: Pick<LogSource, 'name' | 'system' | 'headerPrefix' | 'read' | 'close'>,
  progress: () => SourceProgress[],
  logs: string[],
): LogSource {
  return {
    name: source.name,
    system: source.system,
    headerPrefix: source.headerPrefix,
    read: (most, waitMs) => source.read(most, waitMs),
    close: () => source.close(),
    logs: () => logs,
    progress,
  };
}

const log = (source: string, fields: Partial<SourceProgress> = {}): SourceProgress => ({
  source,
  acknowledged: 2,
  last: 2,
  next: null,
  ...fields,
});

describe('beside the batches of a shared store', () => {
  function pipelineOf(
    progress: () => SourceProgress[],
    logs: string[],
    marks = new Map<string, SourceMark>(),
  ) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const pipeline = startPipeline(({ store, interactions }) => ({
      store: sharing(store, marks),
      interactions: [logged(interactions, progress, logs)],
    }));
    return { ...pipeline, marks };
  }

  it('every log is marked, with the time up to which it is read', async () => {
    const next = {
      ...failure(start - 50),
      tenant: null,
      position: { source: 'two', sequence: 3 },
      receivedAt: start,
    };
    const { marks } = pipelineOf(() => [log('one'), log('two', { next, last: 3 })], ['one', 'two']);
    await until(() => marks.size === 3);
    expect([...marks.values()]).toEqual([
      { source: 'one', acknowledged: 2, readTo: start },
      { source: 'two', acknowledged: 2, readTo: start - 50 },
      { source: 'commands', acknowledged: 0 },
    ]);
  });

  it('what any process left in the outbox is published', async () => {
    const { interactions, circuitEvents } = pipelineOf(() => [log('one')], ['one']);
    await interactions.send(opening(start));
    await until(() => circuitEvents.length === 1);
    expect(circuitEvents[0]?.data.to).toBe('OPEN');
  });

  it('a silent pair recovers once all logs are read up to that time, those of others too', async () => {
    const marks = new Map<string, SourceMark>();
    const pipeline = pipelineOf(() => [log('mine')], ['mine', 'of another'], marks);
    await pipeline.interactions.send(opening(start));
    await until(() => pipeline.circuitEvents.length === 1);
    pipeline.setTime(start + 10 * 86_400);
    await until(() => (marks.get('mine')?.readTo ?? 0) > start);
    expect((await pipeline.state())?.circuitState).toBe('OPEN');
    marks.set('of another', { source: 'of another', acknowledged: 9, readTo: start + 10 * 86_400 });
    await until(() => pipeline.circuitEvents.length === 2);
    expect(pipeline.circuitEvents[1]?.data).toMatchObject({ to: 'CLOSED', cause: { kind: 'recovery' } });
  });

  it('a log that ends before what was marked stops the processor', async () => {
    const marks = new Map([['one', { source: 'one', acknowledged: 70 }]]);
    const { running } = pipelineOf(() => [log('one', { last: 5 })], ['one'], marks);
    await expect(running).rejects.toMatchObject({
      code: 'mismatch',
      message: expect.stringMatching(/ends at position 5, and 70 was acknowledged/),
    });
  });
});
