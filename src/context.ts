import { AsyncLocalStorage } from 'node:async_hooks';

/** What is being evaluated by the code that runs now. */
export interface TrustContext {
  readonly pairId: string;
}

const storage = new AsyncLocalStorage<TrustContext>();

/**
 * The evaluation that called the running code: set inside a store, a bridge or a clock while `TrustManager`
 * works on a pair, `undefined` outside. Concurrent evaluations each see their own.
 */
export function getCurrentContext(): TrustContext | undefined {
  return storage.getStore();
}

/** Runs `work(argument)`, and all that it starts, within the context of one evaluation. */
export function runInContext<A, R>(context: TrustContext, work: (argument: A) => R, argument: A): R {
  return storage.run(context, work, argument);
}
