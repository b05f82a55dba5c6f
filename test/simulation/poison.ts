import { systemTimers } from '../../src/clock.js';

/** What a run must not ask, or it would not be the same twice. */
const forbidden: readonly (readonly [object: object, name: string])[] = [
  [Date, 'now'],
  [performance, 'now'],
  [Math, 'random'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
  [crypto, 'randomUUID'],
  [crypto, 'getRandomValues'],
  ...Object.keys(systemTimers).map((name) => [systemTimers, name] as const),
];

/** Makes everything that would let the outside in throw until the work is done. */
export async function withoutOutside<T>(work: () => Promise<T>): Promise<T> {
  const kept = forbidden.map(
    ([object, name]) => [object, name, Object.getOwnPropertyDescriptor(object, name)] as const,
  );
  for (const [object, name] of forbidden)
    Object.defineProperty(object, name, {
      configurable: true,
      writable: true,
      value: () => {
        throw new Error(`${name} was called in a run that has to be the same every time`);
      },
    });
  const RealDate = Date;
  globalThis.Date = dateOfNumbers(RealDate);
  try {
    return await work();
  } finally {
    globalThis.Date = RealDate;
    for (const [object, name, descriptor] of kept)
      if (descriptor === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, descriptor);
  }
}

/** A Date that cannot say what time it is. */
function dateOfNumbers(RealDate: DateConstructor): DateConstructor {
  return new Proxy(RealDate, {
    construct: (target, args, newTarget) => {
      if (args.length === 0)
        throw new Error('new Date() was called in a run that has to be the same every time');
      return Reflect.construct(target, args, newTarget) as object;
    },
  });
}
