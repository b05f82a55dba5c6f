import type { RequestToSend } from '../client/analysis.js';
import type { EventLimits } from '../events/delivered.js';
import type { AnalysisData, CircuitEvent } from '../events/schemas.js';
import type { Clock, MessageToSend, Probes, Rejection, SinkMessage, TrustStore } from '../ports.js';
import type { AnalysisStore } from '../rlm/ports.js';
import type { Policy } from '../trust/policy.js';

/** What takes the events of requests, and settles each when it has it for good or will not take it. */
export interface Intake {
  /** Bytes of events that are not settled yet. */
  readonly backlogBytes: number;
  send(messages: readonly MessageToSend[]): Promise<void>;
}

/** What came of a command. */
export type CommandSettlement =
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** The circuit events that it caused; none means that there was nothing to change. */
  | { readonly kind: 'applied'; readonly events: readonly CircuitEvent[] }
  /** It is kept, and whether it changed something is not known yet. */
  | { readonly kind: 'pending' };

/** A command of a request, with an id and a time. */
export interface Command {
  readonly body: Uint8Array;
  /** Its tenant, if it is a valid command. */
  readonly tenant: string;
}

export type CommandIntake = (command: Command) => Promise<CommandSettlement>;

/** What every server of this process says of itself. */
export interface HealthParts {
  /** What is not well just now; empty when all is. */
  readonly troubled: () => readonly string[];
  readonly limits: HttpLimits;
}

/** What the HTTP API stands on. */
export interface ApiParts extends HealthParts {
  readonly interactions: Intake;
  readonly commands: CommandIntake;
  readonly store: Pick<TrustStore, 'read' | 'circuits'>;
  readonly analyses: Pick<AnalysisStore, 'latest'>;
  /** Asks for an analysis and waits a while for it; null: nobody here takes requests. */
  readonly analyze: ((request: RequestToSend, withinMs: number) => Promise<AnalysisData | null>) | null;
  readonly eventLimits: EventLimits;
  readonly probes: Probes;
  /** Calls back for every circuit event as it is published; returns what ends that. */
  readonly onCircuit: (listener: (message: SinkMessage) => void) => () => void;
  readonly policyOf: (tenant: string, agentA: string, agentB: string) => Policy;
  readonly timedRecovery: boolean;
  readonly clock: Clock;
}

export interface HttpLimits {
  /** Largest request body, in bytes. */
  readonly maxBodyBytes: number;
  /** Events that are not settled, in bytes, beyond which requests are answered 503. */
  readonly maxBacklogBytes: number;
  /** How long a request waits for its events to be settled, in ms. */
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
