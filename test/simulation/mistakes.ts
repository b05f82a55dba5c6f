import type { LogSource, SharedStore, EventSink } from '../../src/ports.js';
import type { ServerRules } from './store/server.js';

/** A mistake that can be planted: it changes a simulated part, or wraps a real one. */
export interface Mistake {
  readonly name: string;
  readonly server?: Partial<ServerRules>;
  readonly source?: (source: LogSource) => LogSource;
  readonly sink?: (sink: EventSink) => EventSink;
  readonly store?: (store: SharedStore) => SharedStore;
}
