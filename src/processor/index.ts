export type { EventLimits } from '../events/interaction.js';
export type {
  ApplyResult,
  Clock,
  EventSink,
  EventSource,
  Position,
  Rejection,
  SinkMessage,
  SourceBatch,
  SourceMessage,
  TrustStore,
} from '../ports.js';
export { EmbeddedStore, type EmbeddedStoreOptions } from '../store/embedded/store.js';
export { MemoryStore, type MemoryStoreOptions } from '../store/memory.js';
export { MemorySink, MemoryTopic, type MemoryTopicOptions } from '../streams/memory.js';
export { PolicyBook, type PolicyDocument, type PolicyEntry } from '../trust/policies.js';
export { Processor, type ProcessorOptions } from './processor.js';
export type { Weather } from './retry.js';
export type { ProcessorObserver } from './work.js';
