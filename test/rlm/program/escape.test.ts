import { describe, expect, it } from 'vitest';
import { FulcrumError } from '#dist/errors.js';
import { done, run } from './running.js';

/** Names of a Node process, a browser and other interpreters. */
const foreign =
  `process require module exports global window self document fetch XMLHttpRequest WebSocket setTimeout
  setInterval setImmediate queueMicrotask clearTimeout console performance Atomics WebAssembly Worker Buffer URL
  structuredClone crypto os std print scriptArgs navigator Deno Bun hostCall __dirname importScripts`.split(
    /\s+/,
  );

describe('what a program sees', () => {
  it('is the language and the primitives, and nothing of the process round it', async () => {
    const { end, recorded } = await run(`
      recordStep(${JSON.stringify(foreign)}.map((name) => [name, typeof globalThis[name]]));
      recordStep(Object.getOwnPropertyNames(globalThis).filter((name) => /^[a-z]/.test(name)).sort());`);
    expect(end).toEqual(done);
    expect(recorded[0]).toEqual(foreign.map((name) => [name, 'undefined']));
    expect(recorded[1]).toEqual(
      [
        ...[
          'decodeURI',
          'decodeURIComponent',
          'encodeURI',
          'encodeURIComponent',
          'escape',
          'unescape',
          'eval',
        ],
        ...['globalThis', 'isFinite', 'isNaN', 'parseFloat', 'parseInt', 'undefined'],
        ...['handles', 'middleHandles', 'peek', 'grep', 'llmBatch', 'recordStep', 'updateAnswer'],
      ].sort(),
    );
  });

  it('is the same through every constructor: eval and Function make code of its own world only', async () => {
    const { end, recorded } = await run(
      `
      const worlds = [
        globalThis.constructor.constructor('return this')(),
        Function('return this')(),
        (0, eval)('this'),
        (async () => {}).constructor.constructor('return this')(),
        (function* () {}).constructor.constructor('return this')(),
        peek.constructor('return this')(),
        handles().constructor.constructor('return this')(),
        Reflect.construct(Function, ['return this'])(),
      ];
      try { grep('x') } catch (error) { worlds.push(error.constructor.constructor('return this')()) }
      recordStep(worlds.map((world) => [world === globalThis, typeof world.process, typeof world.require]));
      recordStep([eval('1 + 1'), new Function('a', 'return a * 2')(21)]);`,
      {
        answer: (primitive) => {
          if (primitive === 'grep') throw new FulcrumError('input', 'no');
          return [];
        },
      },
    );
    expect(end).toEqual(done);
    expect(recorded[0]).toEqual(Array.from({ length: 9 }, () => [true, 'undefined', 'undefined']));
    expect(recorded[1]).toEqual([2, 42]);
  });

  it.each([
    ['import of a module of Node', `import('node:fs').then((fs) => recordStep('in'))`],
    ['a static import', `import fs from 'node:fs'; recordStep('in')`],
    ['import of a file', `await import('/etc/passwd'); recordStep('in')`],
    ['import of data', `await import('data:text/javascript,export default 1'); recordStep('in')`],
    ['require', `require('fs'); recordStep('in')`],
    ['the main module', `process.mainModule.require('fs'); recordStep('in')`],
    ['a caller', `(function f() { return f.caller.arguments })(); recordStep('in')`],
  ])('has no way to load code: %s', async (_, program) => {
    const { end, recorded } = await run(program);
    expect(end.kind).toBe('failed');
    expect(recorded).toEqual([]);
  });

  it('cannot be changed where it is the host that is called', async () => {
    const { end, recorded } = await run(`
      const outcomes = [
        () => { peek = () => 'mine' },
        () => { 'use strict'; peek.more = 1 },
        () => { delete globalThis.peek },
      ].map((attempt) => { try { attempt(); return 'done' } catch (error) { return error.name } });
      recordStep(outcomes);`);
    expect(end).toEqual(done);
    expect(recorded).toEqual([['TypeError', 'TypeError', 'TypeError']]);
  });
});

describe('prototypes', () => {
  it('of the host are out of reach of arguments', async () => {
    const { end, recorded } = await run(`
      recordStep(JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}'));
      Object.prototype.polluted = 1;
      Array.prototype.polluted = 1;
      recordStep({});`);
    expect(end).toEqual(done);
    expect(Object.getOwnPropertyNames(recorded[0])).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(recorded[0])).toBe(Object.prototype);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(([] as { polluted?: unknown }).polluted).toBeUndefined();
    expect(recorded[1]).toEqual({});
  });

  it('of the guest are out of reach of answers', async () => {
    const { end, recorded } = await run(
      `const answer = peek('h');
       recordStep([{}.polluted === undefined, Object.getOwnPropertyNames(answer), Object.getPrototypeOf(answer) === Object.prototype]);`,
      {
        answer: (primitive) => (primitive === 'peek' ? JSON.parse('{"__proto__":{"polluted":1}}') : null),
      },
    );
    expect(end).toEqual(done);
    expect(recorded).toEqual([[true, ['__proto__'], true]]);
  });

  it('that a program tampers with make its own calls wrong and nothing else', async () => {
    const { end, calls } = await run(
      `JSON.parse = () => 'mine'; JSON.stringify = () => { throw 1 }; String.prototype.slice = () => 'mine';
       Array.prototype[Symbol.iterator] = function* () { yield 'mine' };
       Array.prototype.toJSON = () => ({ not: 'a list' });
       try { grep('x') } catch (error) { delete Array.prototype.toJSON; recordStep(error.message) }
       Array.prototype.toJSON = () => undefined;
       try { grep('x') } catch (error) { delete Array.prototype.toJSON; recordStep(error.message) }
       Object.defineProperty(Object.prototype, '0', { get: () => 'mine', set: () => {} });
       recordStep(2);`,
    );
    expect(end).toEqual(done);
    expect(calls).toEqual([
      ['recordStep', ['grep: arguments must be a list']],
      ['recordStep', [expect.stringContaining('arguments must be JSON')]],
      ['recordStep', [2]],
    ]);
  });
});
