import { onTestFinished } from 'vitest';
import { HttpClient, type StreamItem } from '../../src/client/http.js';

/** What a watcher of circuits has heard, item by item. */
export interface Watching {
  /** The next thing that it hears; null when it has ended. */
  next(): Promise<StreamItem | null>;
  /** The next thing of one kind; others on the way are passed over. */
  nextOf<Kind extends StreamItem['kind']>(kind: Kind): Promise<Extract<StreamItem, { kind: Kind }>>;
  stop(): void;
}

/** Watches the circuits of an API that listens, until the test ends. */
export function watching(url: string, tenant?: string): Watching {
  const stopped = new AbortController();
  const items = new HttpClient(url).watch(tenant, stopped.signal);
  onTestFinished(() => stopped.abort());
  const next = async (): Promise<StreamItem | null> => {
    const result = await items.next();
    return result.done === true ? null : result.value;
  };
  return {
    next,
    nextOf: async <Kind extends StreamItem['kind']>(kind: Kind) => {
      for (;;) {
        const item = await next();
        if (item === null) throw new Error(`it ended before it heard of ${kind}`);
        if (item.kind === kind) return item as Extract<StreamItem, { kind: Kind }>;
      }
    },
    stop: () => stopped.abort(),
  };
}
