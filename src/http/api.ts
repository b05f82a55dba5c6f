import type { Clock, MessageToSend, SinkMessage, TrustStore } from '../ports.js';
import type { Policy } from '../trust/policy.js';

/** A stream in this process that takes messages. */
export interface Intake {
  readonly backlogBytes: number;
  send(messages: readonly MessageToSend[]): Promise<void>;
}

/** What the HTTP server stands on. */
export interface ApiParts {
  readonly interactions: Intake;
  readonly commands: Intake;
  readonly store: Pick<TrustStore, 'read' | 'circuits'>;
  /** Calls back for every circuit event as it is published; returns what ends that. */
  readonly onCircuit: (listener: (message: SinkMessage) => void) => () => void;
  readonly policyOf: (tenant: string, agentA: string, agentB: string) => Policy;
  readonly timedRecovery: boolean;
  readonly clock: Clock;
  /** What is not well just now; empty when all is. */
  readonly troubled: () => readonly string[];
  readonly limits: HttpLimits;
}

export interface HttpLimits {
  /** Largest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** Events that wait to be applied, in bytes, beyond which requests are answered 503. */
  readonly maxBacklogBytes: number;
  /** How long a request waits for its events to be applied, in ms. */
  readonly answerWithinMs: number;
  /** How long a server that closes waits for requests under way, in ms. */
  readonly closeWithinMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  maxBodyBytes: 16 * 1024 * 1024,
  maxBacklogBytes: 64 * 1024 * 1024,
  answerWithinMs: 30_000,
  closeWithinMs: 5_000,
};
