import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten-core';
import { type Primitive, type ProgramEnd, type ProgramLimits, primitives } from '../ports.js';
import { causeOf, mostArgumentsLength, mostCauseLength, ranTooLong, type ToThread } from './messages.js';

/** Asks the host and waits for it. */
export type Ask = (primitive: Primitive, args: string) => ToThread;

const programName = 'program.js';
const jobsAtOnce = 100;
const exhausted = /^(InternalError|RangeError): (out of memory|stack overflow|Maximum call stack)/;

/** What the guest's clock shows, whenever it looks: 2000-01-01T00:00:00Z. A recorded run comes out the same again. */
const guestTime = 946_684_800_000;

/**
 * Run before the program: makes the primitives out of one function and takes that function away, and puts a clock that
 * stands and a seeded generator (mulberry32) where the guest could see time and chance. It holds on to what it needs:
 * whatever the program does to JSON or to prototypes is done to itself.
 */
const prelude = `(() => {
  const { parse, stringify } = JSON;
  const { apply, construct } = Reflect;
  const { indexOf, slice } = String.prototype;
  const call = globalThis.hostCall;
  delete globalThis.hostCall;
  for (const name of ${JSON.stringify(primitives)}) {
    const primitive = (...args) => {
      while (args.length > 0 && args[args.length - 1] === undefined) args.length -= 1;
      const text = stringify(args);
      if (typeof text !== 'string' || text.length > ${mostArgumentsLength})
        throw new RangeError(name + ': arguments must be JSON of ${mostArgumentsLength} characters at most');
      return parse(call(name, text));
    };
    Object.defineProperty(globalThis, name, { value: Object.freeze(primitive) });
  }

  const Real = Date;
  function Still(...parts) {
    if (new.target === undefined) return new Real(${guestTime}).toString();
    return construct(Real, parts.length === 0 ? [${guestTime}] : parts, new.target);
  }
  Object.defineProperty(Still, 'name', { value: 'Date' });
  Still.prototype = Real.prototype;
  Still.prototype.constructor = Still;
  Still.now = () => ${guestTime};
  Still.parse = Real.parse;
  Still.UTC = Real.UTC;
  globalThis.Date = Still;

  let seed = 1;
  Math.random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };

  return (thrown) => {
    if (typeof thrown !== 'object' || thrown === null) return apply(slice, '' + thrown, [0, ${mostCauseLength}]);
    const stack = typeof thrown.stack === 'string' ? thrown.stack : '';
    const first = apply(slice, stack, [0, apply(indexOf, stack, ['\\n'])]);
    return apply(slice, thrown.name + ': ' + thrown.message + first, [0, ${mostCauseLength}]);
  };
})()`;

/** A program's world: its own interpreter, the primitives, and nothing of the thread it is in. */
export class Guest {
  /** Says in a short text what was thrown, inside the guest. */
  readonly #describe: QuickJSHandle;
  #interrupted = false;

  constructor(
    private readonly runtime: QuickJSRuntime,
    private readonly context: QuickJSContext,
    private readonly limits: ProgramLimits,
    ask: Ask,
  ) {
    const call = context.newFunction('hostCall', (name, args) => {
      const answer = ask(context.getString(name) as Primitive, context.getString(args));
      if ('value' in answer) return context.newString(answer.value);
      const { code, message } = answer.error;
      const error = context.newError({ name: code, message });
      context.setProp(error, 'code', context.newString(code));
      return { error };
    });
    context.setProp(context.global, 'hostCall', call);
    this.#describe = context.unwrapResult(context.evalCode(prelude, 'prelude.js'));
  }

  /**
   * Runs a program to its end, with the promises it waits for.
   * @param spentMs how long it has run by itself
   */
  run(program: string, spentMs: () => number): ProgramEnd {
    this.runtime.setInterruptHandler(() => {
      this.#interrupted ||= spentMs() > this.limits.cpuMs;
      return this.#interrupted;
    });
    const evaluated = this.context.evalCode(this.#runnable(program), programName, { strict: true });
    if (evaluated.error !== undefined) return this.#thrown(evaluated.error);
    while (this.runtime.hasPendingJob()) {
      const done = this.runtime.executePendingJobs(jobsAtOnce);
      if (done.error !== undefined) return this.#thrown(done.error);
      if (spentMs() > this.limits.cpuMs) return this.#tooLong();
    }
    const state = this.context.getPromiseState(evaluated.value);
    if (state.type === 'rejected') return this.#thrown(state.error);
    if (state.type === 'pending')
      return { kind: 'failed', cause: 'it waits for a promise that nobody keeps' };
    return this.#interrupted ? this.#tooLong() : { kind: 'done' };
  }

  /** A program that is no script may be one with `await` or `return` outside of functions. Nothing is run to find out. */
  #runnable(program: string): string {
    const compiled = this.context.evalCode(program, programName, { strict: true, compileOnly: true });
    compiled.dispose();
    return compiled.error === undefined ? program : `(async () => {${program}\n})()`;
  }

  #thrown(error: QuickJSHandle): ProgramEnd {
    if (this.#interrupted) return this.#tooLong();
    const described = this.context.callFunction(this.#describe, this.context.undefined, error);
    if (this.#interrupted) return this.#tooLong();
    if (described.error !== undefined) return { kind: 'failed', cause: 'it threw what cannot be described' };
    const cause = causeOf(this.context.getString(described.value).trim().replace(/\s+/g, ' '));
    return { kind: exhausted.test(cause) ? 'killed' : 'failed', cause };
  }

  #tooLong(): ProgramEnd {
    return { kind: 'killed', cause: ranTooLong(this.limits) };
  }
}
