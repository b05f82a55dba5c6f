import { describe, expect, it } from 'vitest';
import { CatchUp } from '../src/catch-up.js';
import type { SourceMessage, SourceProgress } from '../src/ports.js';
import { delivered } from './helpers/delivered.js';

const more: SourceMessage = delivered({});

function progress(source: string, acknowledged: number, last: number, next = more): SourceProgress {
  return { source, acknowledged, last, next: acknowledged < last ? next : null };
}

describe('catching up', () => {
  it('is done at the end that the log had at first, though it grows', () => {
    const catchUp = new CatchUp();
    expect(catchUp.isDone(['log'], [progress('log', 0, 3)])).toBe(false);
    expect(catchUp.isDone(['log'], [progress('log', 2, 7)])).toBe(false);
    expect(catchUp.isDone(['log'], [progress('log', 3, 9)])).toBe(true);
  });

  it('is done when nothing more is for this reader, though the log goes on', () => {
    const only = { source: 'log', acknowledged: 1, last: 9, next: null };
    expect(new CatchUp().isDone(['log'], [only])).toBe(true);
  });

  it('waits for every log, also for those that cannot say yet', () => {
    const catchUp = new CatchUp();
    const logs = ['one', 'two'];
    expect(catchUp.isDone(logs, [])).toBe(false);
    expect(catchUp.isDone(logs, [progress('one', 5, 5)])).toBe(false);
    expect(catchUp.isDone(logs, [progress('two', 1, 2)])).toBe(false);
    expect(catchUp.isDone(logs, [progress('two', 2, 2)])).toBe(true);
  });
});
