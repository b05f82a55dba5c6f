/**
 * `fulcrum-trust/client`: what an agent imports. Brokers and Redis are loaded when one is connected to.
 *
 * @module fulcrum-trust/client
 */
export type { ErrorCode } from '../errors.js';
export { FulcrumError } from '../errors.js';
export type { CircuitState } from '../trust/circuit.js';
export { type CircuitOpenReason, TrustCircuitOpen, TrustValueError } from '../trust/errors.js';
export { TrustOutcome } from '../trust/outcome.js';
export { makePairId } from '../trust/pair.js';
export type { Cause, TransitionType } from '../trust/transition.js';
export { type TrustAwareOptions, trustAware } from './adapters/function.js';
export type { AgentPair, Trust, TrustUpdate } from './adapters/trust.js';
export type { CircuitChange, PairCircuit } from './circuit.js';
export type { CircuitEvents, Circuits, WhenStale } from './circuits.js';
export { type Classifier, OutcomeClassifier, type OutcomeClassifierOptions } from './classifier.js';
export { connectFleet } from './connect.js';
export type { Answer, Fleet, FleetCounts, WithinOptions } from './fleet.js';
export type { GuardedCall, GuardOptions } from './guard.js';
export type {
  BufferOptions,
  FleetOptions,
  HttpSettings,
  KafkaSettings,
  NatsSettings,
  ProbeRedisSettings,
  StatusListener,
} from './options.js';
export type { ReportDetails } from './report.js';
