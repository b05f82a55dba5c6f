/** What the tests of a store are written with: events, commands and batches with everything filled in. */
import type {
  ApplyBatch,
  ApplyResult,
  CommandToApply,
  DueRequest,
  InteractionToApply,
  OutboxEntry,
  StoreRules,
  TrustStore,
} from '../../../src/ports.js';
import type { CommandAction } from '../../../src/trust/command.js';
import { TrustConfig, type TrustConfigOptions } from '../../../src/trust/config.js';
import type { TrustOutcome } from '../../../src/trust/outcome.js';
import { makePairId } from '../../../src/trust/pair.js';
import type { Policy } from '../../../src/trust/policy.js';
import type { Pair } from '../../../src/trust/record.js';
import type { Transition } from '../../../src/trust/transition.js';

/** The time at which tests begin, seconds since the epoch. */
export const start = 1_700_000_000;

export const day = 86_400;

export const streamed: StoreRules = { timedRecovery: true, streamed: true };
export const unpublished: StoreRules = { timedRecovery: true, streamed: true, publishes: false };
export const unstreamed: StoreRules = { timedRecovery: false, streamed: false };

export function policy(config: TrustConfigOptions = {}, name = 'default'): Policy {
  return { name, version: 1, config: new TrustConfig(config), enforced: true };
}

export const defaults = policy();
/** Opened circuits let a probe through after a minute. */
export const withCooldown = policy({ recoveryCooldownSeconds: 60 }, 'with-cooldown');

type Details = Partial<Omit<InteractionToApply, 'outcome' | 'time'>>;

/** An interaction of the pair a, b, unless `details` say otherwise. */
export function interaction(outcome: TrustOutcome, time: number, details: Details = {}): InteractionToApply {
  const { agentA = 'a', agentB = 'b' } = details;
  return {
    tenant: 'default',
    pairId: makePairId(agentA, agentB),
    agentA,
    agentB,
    outcome,
    time,
    weight: 1,
    eventId: `${agentA}-${agentB}-${time}`,
    duplicateKey: null,
    position: null,
    policy: 0,
    traceparent: null,
    ...details,
  };
}

export const success = (time: number, details?: Details): InteractionToApply =>
  interaction('success', time, details);
export const failure = (time: number, details?: Details): InteractionToApply =>
  interaction('failure', time, details);
/** Enough at once to open the circuit of a fresh pair. */
export const collapse = (time: number, details?: Details): InteractionToApply =>
  interaction('failure', time, { weight: 10, ...details });

/** An interaction details' part that says where the event lies. */
export const at = (sequence: number, source = 'log'): Details => ({ position: { source, sequence } });

export function batch(
  events: readonly InteractionToApply[],
  options: Partial<Omit<ApplyBatch, 'events'>> = {},
): ApplyBatch {
  return { events, policies: [defaults], rules: streamed, nowMs: start * 1_000, ...options };
}

export async function apply(
  store: TrustStore,
  events: readonly InteractionToApply[],
  options?: Partial<Omit<ApplyBatch, 'events'>>,
): Promise<readonly ApplyResult[]> {
  return store.apply(batch(events, options));
}

export const kinds = (results: readonly ApplyResult[]): string[] => results.map(({ kind }) => kind);

export function command(
  action: CommandAction,
  time: number,
  details: Partial<CommandToApply> = {},
): CommandToApply {
  const { agentA = 'a', agentB = 'b' } = details;
  return {
    tenant: 'default',
    pairId: makePairId(agentA, agentB),
    agentA,
    agentB,
    action,
    time,
    actor: 'alice',
    reason: 'looked wrong',
    eventId: `${action}-${time}`,
    policy: defaults,
    rules: streamed,
    nowMs: start * 1_000,
    traceparent: null,
    ...details,
  };
}

export const dueBy = (until: number, details: Partial<DueRequest> = {}): DueRequest => ({
  until,
  limit: 100,
  policyOf: () => withCooldown,
  nowMs: start * 1_000,
  ...details,
});

export async function readPair(
  store: TrustStore,
  agentA = 'a',
  agentB = 'b',
  tenant = 'default',
): Promise<Pair | null> {
  return store.read(tenant, makePairId(agentA, agentB));
}

export async function outboxOf(store: TrustStore): Promise<readonly OutboxEntry[]> {
  return store.outbox.read(10_000);
}

/** The transitions that wait to be published, as words. */
export async function story(store: TrustStore): Promise<string[]> {
  return (await outboxOf(store)).map(({ transition }) => inWords(transition));
}

export const inWords = (transition: Transition): string =>
  `${transition.agentA}-${transition.agentB} ${transition.type} at ${transition.occurredAt - start}`;
