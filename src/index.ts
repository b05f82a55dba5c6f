export { getCurrentContext, type TrustContext } from './context.js';
export { type ErrorCode, FulcrumError } from './errors.js';
export {
  type AgentUpdate,
  type EvaluateOptions,
  type TrustBridge,
  TrustManager,
  type TrustManagerOptions,
} from './manager.js';
export type { Awaitable, Clock, TrustStore } from './ports.js';
export { FileStore } from './store/file.js';
export { FulcrumStore, type FulcrumStoreOptions } from './store/fulcrum/store.js';
export { MemoryStore, type MemoryStoreOptions } from './store/memory.js';
export { RedisStore, type RedisStoreOptions } from './store/redis/store.js';
export { liftStore, type SimpleStore } from './store/simple.js';
export type { ChangeState } from './trust/change.js';
export type { CircuitState } from './trust/circuit.js';
export { TrustConfig, type TrustConfigOptions } from './trust/config.js';
export { type CircuitOpenReason, TrustCircuitOpen, TrustValueError } from './trust/errors.js';
export { TrustEvaluator } from './trust/evaluator.js';
export { TrustOutcome } from './trust/outcome.js';
export { makePairId } from './trust/pair.js';
export type { TrustState } from './trust/state.js';
