import { describe, expect, it } from 'vitest';
import { done, run } from './running.js';

const quick = { cpuMs: 300 };
const tooLong = { kind: 'killed', cause: 'it ran for more than 300 ms' };

describe('a program that would run for ever', () => {
  it.each([
    ['a loop', `for (;;);`],
    [
      'a loop that catches what it is ended with',
      `for (;;) { try { for (;;); } catch {} finally { continue } }`,
    ],
    ['promises that make promises', `function again() { Promise.resolve().then(again) } again()`],
    ['an async loop', `for (;;) await 0`],
    ['a generator', `function* all() { for (;;) yield 1 } for (const one of all());`],
    ['a regular expression that backtracks', `/^(a+)+$/.test('a'.repeat(40) + 'b')`],
    ['a getter of its error', `throw { get message() { for (;;); } }`],
    ['a toJSON of its arguments', `recordStep({ toJSON() { for (;;); } })`],
    [
      'a sort',
      `Array.from({ length: 1e5 }, (_, i) => i).sort(() => { for (let i = 0; i < 1e4; i++); return 1 })`,
    ],
  ])('is interrupted: %s', async (_, program) => {
    const { end } = await run(program, quick);
    expect(end).toEqual(tooLong);
  });

  it.each([
    [
      'a search in a text',
      `const text = 'x'.repeat(2 ** 22); for (;;) text.indexOf('x'.repeat(2 ** 21) + 'z')`,
    ],
    ['a search in a list that is not there', `new Array(4e9).indexOf(1)`],
    ['a list without end', `Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1)`],
  ])('has its thread ended a second later when it is in one long native call: %s', async (_, program) => {
    const started = performance.now();
    const { end } = await run(program, quick);
    expect(end).toEqual(tooLong);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('is ended at its deadline, whatever it may run by itself', async () => {
    const { end } = await run(`new Array(4e9).indexOf(1)`, { cpuMs: 600_000, deadlineMs: 1_000 });
    expect(end).toEqual({ kind: 'killed', cause: 'it took more than 1000 ms' });
  });

  it('is ended at its deadline while it waits for a host that never answers', async () => {
    const { end, calls } = await run(`llmBatch(['h'], 'why?')`, {
      deadlineMs: 1_500,
      answer: () => new Promise(() => {}),
    });
    expect(end).toEqual({ kind: 'killed', cause: 'it took more than 1500 ms' });
    expect(calls).toHaveLength(1);
  });

  it('is not charged for waiting', async () => {
    const { end } = await run(`for (let i = 0; i < 3; i++) handles()`, {
      ...quick,
      answer: () => new Promise((resolve) => setTimeout(() => resolve([]), 200)),
    });
    expect(end).toEqual(done);
  });

  it('is ended when it is told to stop, while it runs and while it waits', async () => {
    const stopped = { kind: 'killed', cause: 'it was told to stop' };
    for (const next of [`for (;;);`, `peek()`]) {
      const stop = new AbortController();
      const { end } = await run(`handles(); ${next}`, {
        signal: stop.signal,
        answer: (primitive) => {
          if (primitive === 'handles') setTimeout(() => stop.abort(), 20);
          return primitive === 'handles' ? [] : new Promise(() => {});
        },
      });
      expect(end).toEqual(stopped);
    }
    expect((await run(`handles()`, { signal: AbortSignal.abort() })).calls).toEqual([]);
  });
});

describe('a program that takes too much', () => {
  it.each([
    ['recursion', `function down() { return down() + 1 } down()`],
    ['recursion through a native call', `function down() { return [1].map(down) } down()`],
    ['recursion through getters', `const one = { get next() { return this.next } }; one.next`],
    ['recursion through a proxy', `const one = new Proxy({}, { get: (_, key, self) => self[key] }); one.x`],
    ['recursion through toString', `const one = { toString() { return '' + this } }; '' + one`],
    ['recursion of a parser', `eval('['.repeat(1e6))`],
    ['recursion of JSON', `JSON.parse('['.repeat(1e6))`],
    [
      'recursion of a structure',
      `let one = []; for (let i = 0; i < 1e5; i++) one = [one]; JSON.stringify(one)`,
    ],
    ['recursion of a regular expression', `new RegExp('('.repeat(1e5) + ')'.repeat(1e5))`],
    ['arguments', `Math.max(...new Array(1e6).fill(1))`],
  ])('of the stack ends, and the process does not: %s', async (_, program) => {
    const { end } = await run(program, { cpuMs: 1_500 });
    expect(end.kind).not.toBe('done');
  });

  it.each([
    ['texts', `const all = []; for (;;) all.push('x'.repeat(1e6) + all.length)`],
    ['one text', `let text = 'x'.repeat(1e6); for (;;) text += 'x'.repeat(1e6)`],
    ['a buffer', `new ArrayBuffer(2 ** 30)`],
    ['buffers', `const all = []; for (;;) all.push(new Uint8Array(1e6))`],
    ['a list', `const all = []; for (;;) all.push(all)`],
    ['a join', `new Array(1e7).fill('xxxxxxxxxx').join('yyyyyyyyyy')`],
  ])('of memory is ended: %s', async (_, program) => {
    const before = process.memoryUsage().rss;
    const { end } = await run(program, { memoryBytes: 16 * 1024 * 1024 });
    expect(end).toMatchObject({ kind: 'killed', cause: expect.stringMatching(/memory/) });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  it('may catch that it has no memory, and goes on within its bounds', async () => {
    const { end, recorded } = await run(
      `try { new ArrayBuffer(2 ** 30) } catch (error) { recordStep(String(error)) }`,
    );
    expect(end).toEqual(done);
    expect(recorded).toEqual(['InternalError: out of memory']);
  });

  it('by its arguments is refused before they leave it', async () => {
    const { end, calls, recorded } = await run(
      `try { peek('x'.repeat(1e6)) } catch (error) { recordStep(String(error)) }
       try { peek({ length: { toJSON: () => 'y'.repeat(1e6) } }) } catch (error) { recordStep(String(error)) }`,
    );
    expect(end).toEqual(done);
    expect(calls).toHaveLength(2);
    const refused = 'RangeError: peek: arguments must be JSON of 65536 characters at most';
    expect(recorded).toEqual([refused, refused]);
  });

  it('cannot send the host down arguments that are deep', async () => {
    const { end, calls, recorded } = await run(
      `let deep = []; for (let i = 0; i < 500; i++) deep = [deep];
       try { updateAnswer(deep) } catch (error) { recordStep(error.message) }`,
    );
    expect(end).toEqual(done);
    expect(calls).toHaveLength(1);
    expect(recorded).toEqual(['updateAnswer: arguments may be 32 lists and objects deep']);
  });
});
