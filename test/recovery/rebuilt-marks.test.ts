import { expect, it } from 'vitest';
import type { LostTail, SourceMark } from '../../src/ports.js';
import { RebuiltMarks } from '../../src/recovery/rebuilt-marks.js';
import { MemoryStore } from '../../src/store/memory.js';
import { sharing } from '../processor/wrappers.js';

const tail: LostTail = { from: new Map([['log', 40]]), since: 0 };

/** A store that answers marks with these tails, and writes down what it is asked to do. */
function given(answers: readonly (LostTail | null)[]) {
  const log: string[] = [];
  const waiting = [...answers];
  const store = {
    ...sharing(new MemoryStore()),
    marks: async (): Promise<readonly SourceMark[]> => [{ source: 'log', acknowledged: 40 }],
    mark: (marks: readonly SourceMark[]) => {
      log.push(`mark ${marks.map(({ acknowledged }) => acknowledged)}`);
      return waiting.shift() ?? null;
    },
    adopt: async () => {
      log.push('adopt');
      return true;
    },
  };
  const marks = new RebuiltMarks({ must: async (_what, work) => work() }, store);
  const at = (position: number) => [{ source: 'log', acknowledged: position }];
  const reached = (position: number) => new Map([['log', position]]);
  return { marks, log, at, reached };
}

it('a rebuild goes on where the last one has marked', async () => {
  expect(await given([]).marks.read()).toEqual(new Map([['log', 40]]));
});

it('what the store lost is told, and nothing is marked until it is applied again', async () => {
  const { marks, log, at, reached } = given([tail]);
  expect(await marks.write(at(90), reached(90))).toBe(tail);
  expect(await marks.write(at(50), reached(50))).toBeNull();
  expect(await marks.write(at(89), reached(89))).toBeNull();
  expect(log).toEqual(['mark 90']);
  expect(await marks.write(at(95), reached(95))).toBeNull();
  expect(log).toEqual(['mark 90', 'adopt', 'mark 95']);
});

it('what was lost and is gone from the log by now counts as applied when all is read', async () => {
  const { marks, log, at, reached } = given([tail]);
  await marks.write(at(90), reached(90));
  expect(await marks.write(at(80), reached(80), true)).toBeNull();
  expect(log).toEqual(['mark 90', 'adopt', 'mark 80']);
});

it('what is lost once more while it is read again is told too', async () => {
  const { marks, at, reached } = given([tail, tail]);
  await marks.write(at(90), reached(90));
  expect(await marks.write(at(95), reached(95))).toBe(tail);
});
