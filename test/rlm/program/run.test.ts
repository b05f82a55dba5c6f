import { describe, expect, it } from 'vitest';
import { FulcrumError } from '#dist/errors.js';
import { defaultProgramLimits } from '#dist/rlm/program/limits.js';
import { done, run } from './running.js';

describe('a navigation program', () => {
  it('calls the host, waits for what it answers, and ends', async () => {
    const { end, recorded, calls } = await run(
      `const found = grep('thanks');
       for (const { handle } of found.hits) recordStep({ handle, text: peek(handle, 1)[0].text });`,
      {
        answer: (primitive) =>
          primitive === 'grep'
            ? { count: 1, hits: [{ handle: 'ctx://s/0003' }] }
            : primitive === 'peek'
              ? [{ text: 'a: thanks \u{1f600}\u0000 "quoted"' }]
              : null,
      },
    );
    expect(end).toEqual(done);
    expect(calls.map(([primitive]) => primitive)).toEqual(['grep', 'peek', 'recordStep']);
    expect(calls[1]?.[1]).toEqual(['ctx://s/0003', 1]);
    expect(recorded).toEqual([{ handle: 'ctx://s/0003', text: 'a: thanks \u{1f600}\u0000 "quoted"' }]);
  });

  it('may wait for promises, at its top too, and return', async () => {
    const { end, recorded } = await run(
      `const [first] = await handles();
       recordStep(first);
       if (first === 'h0') return;
       recordStep('never');`,
      { answer: (primitive) => (primitive === 'handles' ? ['h0'] : null) },
    );
    expect(end).toEqual(done);
    expect(recorded).toEqual(['h0']);
  });

  it.each([
    ['throws', `throw new TypeError('no such thing')`, /^TypeError: no such thing at <eval> \(program\.js:1/],
    ['throws no error', `throw 'a text'`, /^a text$/],
    ['throws nothing', `throw undefined`, /^undefined$/],
    ['throws what cannot be told', `throw { get message() { throw 1 } }`, /cannot be described/],
    ['throws a symbol', `throw Symbol('s')`, /cannot be described/],
    ['throws megabytes', `throw new Error('x'.repeat(5_000_000))`, /^Error: x{493}$/],
    ['is no program', `let x = ;`, /^SyntaxError: unexpected token/],
    ['is prose', `I am sorry, but I cannot help with that.`, /^SyntaxError/],
    ['fails in a promise', `(async () => { await 1; throw new Error('later') })()`, /^Error: later/],
    ['waits for ever', `new Promise(() => {})`, /waits for a promise that nobody keeps/],
    ['names what is not there', `sniff('x')`, /^ReferenceError: 'sniff' is not defined/],
    ['is too long', `//${'x'.repeat(70_000)}`, /may have 65536 characters/],
  ])('that %s has failed, with the cause', async (_, program, cause) => {
    const { end } = await run(program);
    expect(end).toMatchObject({ kind: 'failed', cause: expect.stringMatching(cause) });
  });

  it('runs once, also when it fails with a syntax error of its own', async () => {
    const { end, recorded } = await run(`recordStep(1); JSON.parse('{')`);
    expect(end.kind).toBe('failed');
    expect(recorded).toEqual([1]);
  });

  it('sees an operational error of the host as an exception with its code, and may go on', async () => {
    const { end, recorded } = await run(
      `try { peek('nowhere') } catch (error) { recordStep([error instanceof Error, error.code, error.message]) }`,
      {
        answer: (primitive) => {
          if (primitive === 'peek') throw new FulcrumError('input', 'there is no such handle');
          return null;
        },
      },
    );
    expect(end).toEqual(done);
    expect(recorded).toEqual([[true, 'input', 'there is no such handle']]);
  });

  it('does not hide a fault of the host', async () => {
    await expect(
      run('handles()', {
        answer: () => {
          throw new TypeError('a fault');
        },
      }),
    ).rejects.toThrow('a fault');
  });

  it('sees the same time and the same chance in every run', async () => {
    const program = `
      const early = Date.now();
      recordStep([early, new Date().toISOString(), new Date(86400000).getUTCDate(), Math.random(), Math.random(),
        Date.prototype.constructor === Date, new Date() instanceof Date, typeof Date(), typeof performance]);`;
    const [one, other] = await Promise.all([run(program), run(program)]);
    expect(one.end).toEqual(done);
    expect(one.recorded).toEqual(other.recorded);
    const [[now, iso, day, chance, next, ...rest] = []] = one.recorded as unknown[][];
    expect([now, iso, day]).toEqual([946_684_800_000, '2000-01-01T00:00:00.000Z', 2]);
    expect(chance).not.toBe(next);
    expect(rest).toEqual([true, true, 'string', 'undefined']);
  });

  it('is given answers of megabytes, and none that are larger than the host may give', async () => {
    const { end, recorded } = await run(
      `recordStep(peek('h', 3_000_000).length);
       try { peek('h', 9_000_000) } catch (error) { recordStep(error.message) }`,
      { answer: (primitive, [, length]) => (primitive === 'peek' ? 'x'.repeat(Number(length)) : null) },
    );
    expect(end).toEqual(done);
    expect(recorded).toEqual([
      3_000_000,
      'peek: the answer has 9000002 characters, 8388608 are the most: ask for less',
    ]);
  });

  it('does not start with limits that the sandbox cannot hold', async () => {
    await expect(run('', { stackBytes: 1024 * 1024 })).rejects.toThrow(
      'the program limit stackBytes is 1048576: must be 131072 to 262144',
    );
    await expect(run('', { cpuMs: Number.NaN })).rejects.toThrow('cpuMs is NaN');
    expect((await run('', defaultProgramLimits)).end).toEqual(done);
  });
});
