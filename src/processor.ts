/**
 * `fulcrum-trust/processor`: the stream processor as a library, with the stores and streams of one process.
 *
 * @module fulcrum-trust/processor
 */
export type { Timers } from './clock.js';
export type { EventLimits } from './events/delivered.js';
export type {
  ApplyResult,
  Broker,
  Clock,
  EventSink,
  EventSource,
  Finding,
  FollowFrom,
  Lease,
  LogSource,
  MessageHeaders,
  MessageToSend,
  Position,
  ProbedPair,
  Probes,
  ReadChannel,
  Readers,
  Rejection,
  Settlement,
  SharedStore,
  SinkMessage,
  SourceBatch,
  SourceMessage,
  SourceProgress,
  SourceStanding,
  TrustStore,
} from './ports.js';
export { Processor, type ProcessorOptions } from './processor/processor.js';
export type { ProcessorObserver, StatusListener } from './processor/work.js';
export type { Weather } from './retry.js';
export { EmbeddedStore, type EmbeddedStoreOptions } from './store/embedded/store.js';
export { MemoryStore, type MemoryStoreOptions } from './store/memory.js';
export { RedisStore, type RedisStoreOptions } from './store/redis/store.js';
export { MemorySink, MemoryTopic, type MemoryTopicOptions } from './streams/memory.js';
export { PolicyBook, type PolicyDocument, type PolicyEntry } from './trust/policies.js';
