/**
 * `fulcrum-trust`: trust scores and circuits for pairs of agents in this process, over a store of your choice.
 *
 * @module fulcrum-trust
 */
export { getCurrentContext, type TrustContext } from './context.js';
export { type ErrorCode, FulcrumError } from './errors.js';
export {
  type AgentUpdate,
  type EvaluateOptions,
  type TrustBridge,
  TrustManager,
  type TrustManagerOptions,
} from './manager.js';
export type {
  AnnounceRequest,
  AnnounceResult,
  ApplyBatch,
  ApplyResult,
  Awaitable,
  Clock,
  CommandResult,
  CommandToApply,
  DueRequest,
  InteractionToApply,
  LocalOutbox,
  LostTail,
  Outbox,
  OutboxEntry,
  Position,
  SourceMark,
  StoreRejection,
  StoreRules,
  TrustStore,
} from './ports.js';
export type { LocalStoreOptions } from './store/engine.js';
export { FileStore } from './store/file.js';
export type { ShipperCounts } from './store/fulcrum/shipper.js';
export { FulcrumStore, type FulcrumStoreOptions } from './store/fulcrum/store.js';
export { MemoryStore, type MemoryStoreOptions } from './store/memory.js';
export type { ConnectionListener } from './store/redis/connection.js';
export { RedisStore, type RedisStoreOptions } from './store/redis/store.js';
export { liftStore, type SimpleStore } from './store/simple.js';
export type { AgentState } from './trust/agent-state.js';
export type { Published } from './trust/announce.js';
export type { ChangeState } from './trust/change.js';
export type { CircuitState } from './trust/circuit.js';
export type { CommandAction } from './trust/command.js';
export { TrustConfig, type TrustConfigOptions } from './trust/config.js';
export { type CircuitOpenReason, TrustCircuitOpen, TrustValueError } from './trust/errors.js';
export { TrustEvaluator } from './trust/evaluator.js';
export type { ChangeTold } from './trust/explain.js';
export { TrustOutcome } from './trust/outcome.js';
export { makePairId } from './trust/pair.js';
export type { Policy } from './trust/policy.js';
export type { Pair } from './trust/record.js';
export type { TrustState } from './trust/state.js';
export type { Cause, Transition, TransitionType } from './trust/transition.js';
