/** Parts of a processor that fail, wait, or write down what they are asked to do. */
import type {
  EventSink,
  EventSource,
  MessageToSend,
  SharedStore,
  SourceBatch,
  SourceMark,
  SourceMessage,
  TrustStore,
} from '../../src/ports.js';
import type { ProcessorOptions } from '../../src/processor/processor.js';
import type { Parts } from './given.js';

/** The same work; its first calls fail. */
export function failingFirst<A extends readonly unknown[], R>(
  times: number,
  work: (...args: A) => R,
): (...args: A) => R {
  let calls = 0;
  return (...args) => {
    if (calls++ < times) throw new Error('away');
    return work(...args);
  };
}

/** A store with some of its methods replaced. */
export function changedStore(store: TrustStore, change: Partial<TrustStore>): TrustStore {
  return {
    apply: (batch) => store.apply(batch),
    command: (sent) => store.command(sent),
    read: (tenant, pairId) => store.read(tenant, pairId),
    due: (request) => store.due(request),
    announce: (request) => store.announce(request),
    circuits: () => store.circuits(),
    outbox: store.outbox,
    mark: (marks) => store.mark(marks),
    close: () => store.close(),
    ...change,
  };
}

/** A store as one that others share: what was marked, by whomever, can be read. */
export function sharing(store: TrustStore, marks = new Map<string, SourceMark>()): SharedStore {
  return {
    ...changedStore(store, {
      mark: (written) => {
        for (const mark of written) marks.set(mark.source, mark);
        return null;
      },
    }),
    adopt: async () => true,
    register: async () => {},
    marks: async () => [...marks.values()],
  };
}

/** A source whose batches are acknowledged by way of `ack`. */
export function ackedBy(
  source: EventSource,
  ack: (batch: SourceBatch, done: readonly SourceMessage[] | undefined) => void,
): EventSource {
  return {
    name: source.name,
    system: source.system,
    headerPrefix: source.headerPrefix,
    read: async (maxMessages, maxWaitMs) => {
      const batch = await source.read(maxMessages, maxWaitMs);
      return batch === null ? null : { messages: batch.messages, ack: (done) => ack(batch, done) };
    },
    close: () => source.close(),
  };
}

/** The parts, which write down in the log what they are asked to do. */
export function recorded(
  parts: Parts,
): Pick<ProcessorOptions, 'store' | 'interactions' | 'circuits' | 'deadLetters'> {
  const { log } = parts;
  const sink = (name: string, inner: EventSink): EventSink => ({
    publish: (messages) => {
      log.push(`publish ${messages.length} ${name}`);
      return inner.publish(messages);
    },
  });
  return {
    store: changedStore(parts.store, {
      apply: (batch) => {
        log.push(`apply ${batch.events.length}`);
        return parts.store.apply(batch);
      },
    }),
    interactions: [
      ackedBy(parts.interactions, (batch, done) => {
        const { length } = done ?? batch.messages;
        if (length > 0) log.push(`acknowledge ${length}`);
        return batch.ack(done);
      }),
    ],
    circuits: sink('circuit events', parts.circuits),
    deadLetters: sink('dead letters', parts.deadLetters),
  };
}

/** A source that delivers these batches, one a read, and then keeps its reader waiting until it is closed. */
export function stuckSource(name: string, batches: readonly (readonly MessageToSend[])[]): EventSource {
  const waiting = [...batches];
  let sequence = 0;
  let end: (batch: null) => void = () => {};
  const ended = new Promise<null>((resolve) => {
    end = resolve;
  });
  return {
    name,
    system: 'test',
    headerPrefix: 'ce-',
    read: async () => {
      const batch = waiting.shift();
      if (batch === undefined) return ended;
      const messages = batch.map((each) => ({
        ...each,
        tenant: null,
        position: { source: name, sequence: ++sequence },
        receivedAt: null,
      }));
      return { messages, ack: () => {} };
    },
    close: () => end(null),
  };
}
